import type { JsonObject } from "../../core/json.ts";
import { type AwsKind, awsKinds, poisonedSize, refusedSize } from "./kinds.ts";
import type { Ledger, LedgerObject } from "./ledger.ts";
import type { Random } from "./random.ts";
import type { Weather } from "./weather.ts";

export type CloudOperation = "CREATE" | "UPDATE" | "DELETE";
export type CloudRequest = {
  id: string;
  clientToken: string;
  input: string;
  operation: CloudOperation;
  object: LedgerObject;
  startedAt: number;
  endsAt: number;
  /** Whether its progress says what it makes before it is made. */
  tells: boolean;
  failure: string | null;
  ended: boolean;
  after: JsonObject | null;
};

type Ports = { ledger: Ledger; now: () => number; random: Random; weather: () => Weather };

const tokenLife = 36 * 3600_000;
const requestLife = 7 * 24 * 3600_000;

export type CloudRequests = ReturnType<typeof createRequests>;

/** Cloud Control's asynchronous requests: they take time, may fail in the handler, and are known by their token for 36 hours. */
export function createRequests({ ledger, now, random, weather }: Ports) {
  const requests: CloudRequest[] = [];
  /** What reads still show of an object that was changed a moment ago. */
  const stale = new Map<LedgerObject, { properties: JsonObject; until: number }>();

  /** Ends what has come to its end. */
  function tick(): void {
    for (const request of requests) {
      if (request.ended || request.endsAt > now()) continue;
      request.ended = true;
      const { object, operation, failure, after } = request;
      if (failure !== null) {
        if (operation === "CREATE" && object.token === request.clientToken)
          ledger.take(object, "failure", request.endsAt);
      } else if (operation === "DELETE") ledger.take(object, "cairn", request.endsAt);
      else if (after !== null) change(object, shown(object, after), request.endsAt);
    }
  }

  function change(object: LedgerObject, properties: JsonObject, at: number): void {
    const lag = random.below(weather().staleMs + 1) / 4;
    if (lag > 0) stale.set(object, { properties: object.properties, until: at + lag });
    object.properties = properties;
  }

  function begin(
    operation: CloudOperation,
    clientToken: string,
    input: string,
    object: LedgerObject,
    after: JsonObject | null,
  ): object {
    const seconds = random.chance(weather().slow) ? 60 + random.below(600) : 1 + random.below(20);
    const endsAt = now() + seconds * 1000;
    const request: CloudRequest = {
      id: `request-${requests.length + 1}`,
      clientToken,
      input,
      operation,
      object,
      startedAt: now(),
      endsAt,
      tells: random.chance(0.5),
      failure: failureOf(after),
      ended: false,
      after,
    };
    if (operation === "CREATE") object.visibleAt = endsAt + random.below(weather().staleMs + 1);
    requests.push(request);
    return progress(request);
  }

  function failureOf(after: JsonObject | null): string | null {
    if (after?.Size === refusedSize) return "InvalidRequest";
    if (after?.Size === poisonedSize) return "NotStabilized";
    return random.chance(weather().handlerFailure)
      ? random.pick(["NotStabilized", "ServiceInternalError", "NetworkFailure"])
      : null;
  }

  /** A create that is refused because another object has the name. */
  function refuse(clientToken: string, input: string, holder: LedgerObject): object {
    begin("CREATE", clientToken, input, holder, null);
    const request = requests.at(-1) as CloudRequest;
    request.failure = "AlreadyExists";
    return progress(request);
  }

  function progress(request: CloudRequest): object {
    const { object, operation } = request;
    const named = operation !== "CREATE" || request.tells || request.ended || isNamed(object);
    const status = !request.ended ? "IN_PROGRESS" : request.failure === null ? "SUCCESS" : "FAILED";
    return {
      TypeName: object.kind,
      RequestToken: request.id,
      Operation: operation,
      OperationStatus: status,
      EventTime: new Date(request.ended ? request.endsAt : request.startedAt),
      ...(named ? { Identifier: object.identifier } : {}),
      ...(status === "IN_PROGRESS" ? { RetryAfter: new Date(now() + 5000) } : {}),
      ...(status === "FAILED" ? { ErrorCode: request.failure, StatusMessage: "the handler failed" } : {}),
    };
  }

  return {
    tick,
    change,
    begin,
    refuse,
    progress,
    /** What a read shows: as it is, or as it was a moment ago. */
    read(object: LedgerObject): JsonObject {
      const old = stale.get(object);
      return old !== undefined && old.until > now() ? old.properties : object.properties;
    },
    underToken: (token: string) =>
      requests.find((one) => one.clientToken === token && one.startedAt > now() - tokenLife) ?? null,
    byId: (id: string) => requests.find((one) => one.id === id && one.startedAt > now() - requestLife) ?? null,
    /** Taken and not ended. */
    running: () => requests.filter(({ ended, endsAt }) => !ended && endsAt > now()),
    lastEnd: () => requests.reduce((latest, { endsAt }) => Math.max(latest, endsAt), now()),
  };
}

/** The read model: what was asked for, and what the cloud knows itself. */
export function shown(object: LedgerObject, asked: JsonObject): JsonObject {
  const { Secret: _never, ...visible } = asked;
  const id = isNamed(object) ? {} : { Id: object.identifier };
  return { ...visible, ...id, Endpoint: `${asked.Name as string}:${asked.Size as number}` };
}

function isNamed({ kind }: LedgerObject): boolean {
  return awsKinds[kind as AwsKind].identifier === "Name";
}
