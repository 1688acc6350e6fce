import type { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import type { JsonObject } from "../../core/json.ts";
import { type Kind, kinds, refusedSize } from "./kinds.ts";
import type { Random } from "./random.ts";

/** Every object that ever lived. It counts as living from the moment its creation was taken, as its bill does. */
export type CloudObject = {
  kind: Kind;
  identifier: string;
  owner: string;
  properties: JsonObject;
  token: string | null;
  createdAt: number;
  /** When reads show it: after its creation has ended, and a while later where the cloud's reads are stale. */
  visibleAt: number;
  deletedAt: number | null;
  deletedBy: "cairn" | "person" | "failure" | null;
  /** A person changed it, and nothing has put it right since. */
  drifted: boolean;
};

type Operation = "CREATE" | "UPDATE" | "DELETE";
type Request = {
  id: string;
  clientToken: string;
  input: string;
  operation: Operation;
  kind: Kind;
  object: CloudObject;
  startedAt: number;
  endsAt: number;
  /** Whether its progress says what it makes before it is made. */
  tells: boolean;
  failure: string | null;
  ended: boolean;
  after: JsonObject | null;
};

/** How the cloud behaves just now. Probabilities; times in milliseconds. */
export type Weather = {
  handlerFailure: number;
  staleMs: number;
  conflictOnReplay: number;
  silentLists: boolean;
  slow: boolean;
};
export const fairWeather: Weather = {
  handlerFailure: 0,
  staleMs: 0,
  conflictOnReplay: 0,
  silentLists: false,
  slow: false,
};

/** An answer that the SDK throws, with the status by which a provider tells refusal from silence. */
export function cloudError(name: string, status: number | null, message = name): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status === null ? {} : { $metadata: { httpStatusCode: status } }),
  });
}

const tokenLife = 36 * 3600_000;
const requestLife = 7 * 24 * 3600_000;

export type SimCloud = ReturnType<typeof createCloud>;
type Input = { [member: string]: string | undefined };

/**
 * A cloud in memory that keeps Cloud Control's promises and breaks what Cloud Control breaks: creations take time and are
 * not seen before they are done, tokens live 36 hours, a replay answers the first request or a conflict, reads are stale.
 */
export function createCloud(now: () => number, random: Random) {
  const objects: CloudObject[] = [];
  const requests: Request[] = [];
  const calls: {
    at: number;
    command: string;
    token: string | null;
    desired: JsonObject | null;
    identifier: string | null;
  }[] = [];
  let weather = fairWeather;
  let made = 0;

  const live = (kind: Kind, identifier: string) =>
    objects.find((one) => one.kind === kind && one.identifier === identifier && one.deletedAt === null);
  const seen = (object: CloudObject | undefined): object is CloudObject =>
    object !== undefined && object.visibleAt <= now();
  const busy = (object: CloudObject) => requests.some((one) => !one.ended && one.object === object);

  /** Ends what has come to its end. */
  function tick(): void {
    for (const request of requests) {
      if (request.ended || request.endsAt > now()) continue;
      request.ended = true;
      const { object, operation, failure, after } = request;
      if (failure !== null) {
        if (operation === "CREATE" && object.token === request.clientToken) take(object, "failure", request.endsAt);
      } else if (operation === "DELETE") take(object, "cairn", request.endsAt);
      else if (after !== null) object.properties = shown(object, after);
    }
  }

  function take(object: CloudObject, by: "cairn" | "person" | "failure", at: number): void {
    if (object.deletedAt !== null) return;
    object.deletedAt = at;
    object.deletedBy = by;
  }

  /** The read model: what was asked for, and what the cloud knows itself. */
  function shown(object: CloudObject, asked: JsonObject): JsonObject {
    const { Secret: _never, ...visible } = asked;
    const id = kinds[object.kind].identifier === "Id" ? { Id: object.identifier } : {};
    return { ...visible, ...id, Endpoint: `${asked.Name as string}:${asked.Size as number}` };
  }

  /** The first request under this token, while the cloud remembers it. */
  function replayed(clientToken: string, input: string): Request | null {
    const first = requests.find((one) => one.clientToken === clientToken && one.startedAt > now() - tokenLife);
    if (first === undefined) return null;
    if (first.input !== input || random.chance(weather.conflictOnReplay)) {
      throw cloudError("ClientTokenConflictException", 400);
    }
    return first;
  }

  function begin(
    operation: Operation,
    clientToken: string,
    input: string,
    object: CloudObject,
    after: JsonObject | null,
  ) {
    const seconds = weather.slow && random.chance(0.3) ? 60 + random.below(600) : 1 + random.below(20);
    const endsAt = now() + seconds * 1000;
    const failure =
      after?.Size === refusedSize
        ? "InvalidRequest"
        : random.chance(weather.handlerFailure)
          ? random.pick(["NotStabilized", "ServiceInternalError", "NetworkFailure"])
          : null;
    const request: Request = {
      id: `request-${requests.length + 1}`,
      clientToken,
      input,
      operation,
      kind: object.kind,
      object,
      startedAt: now(),
      endsAt,
      tells: random.chance(0.5),
      failure,
      ended: false,
      after,
    };
    if (operation === "CREATE") object.visibleAt = endsAt + random.below(weather.staleMs + 1);
    requests.push(request);
    return progress(request);
  }

  function progress(request: Request) {
    const { object, operation } = request;
    const named = operation !== "CREATE" || request.tells || request.ended || kinds[object.kind].identifier === "Name";
    const status = !request.ended ? "IN_PROGRESS" : request.failure === null ? "SUCCESS" : "FAILED";
    return {
      TypeName: request.kind,
      RequestToken: request.id,
      Operation: operation,
      OperationStatus: status,
      EventTime: new Date(request.ended ? request.endsAt : request.startedAt),
      ...(named ? { Identifier: object.identifier } : {}),
      ...(status === "IN_PROGRESS" ? { RetryAfter: new Date(now() + 5000) } : {}),
      ...(status === "FAILED" ? { ErrorCode: request.failure, StatusMessage: "the handler failed" } : {}),
    };
  }

  const commands: { [name: string]: (input: Input) => object } = {
    CreateResourceCommand({ TypeName, ClientToken = "", DesiredState = "{}" }) {
      const kind = TypeName as Kind;
      const input = `CREATE ${kind} ${DesiredState}`;
      const first = replayed(ClientToken, input);
      if (first !== null) return { ProgressEvent: progress(first) };
      const desired = JSON.parse(DesiredState) as JsonObject;
      const name = desired.Name as string;
      const holder = objects.find((one) => one.kind === kind && one.properties.Name === name && one.deletedAt === null);
      if (kinds[kind].unique && holder !== undefined) {
        if (random.chance(0.5)) throw cloudError("AlreadyExistsException", 400);
        const event = begin("CREATE", ClientToken, input, holder, null);
        const request = requests.at(-1);
        if (request !== undefined) Object.assign(request, { failure: "AlreadyExists" });
        return { ProgressEvent: event };
      }
      made += 1;
      const object: CloudObject = {
        kind,
        identifier: kinds[kind].identifier === "Name" ? name : `${kind.split("::")[2]?.toLowerCase()}-${made}`,
        owner: ownerOf(desired),
        properties: desired,
        token: ClientToken,
        createdAt: now(),
        visibleAt: 0,
        deletedAt: null,
        deletedBy: null,
        drifted: false,
      };
      objects.push(object);
      object.properties = shown(object, desired);
      return { ProgressEvent: begin("CREATE", ClientToken, input, object, desired) };
    },
    UpdateResourceCommand({ TypeName, Identifier = "", ClientToken = "", PatchDocument = "[]" }) {
      const input = `UPDATE ${TypeName} ${Identifier} ${PatchDocument}`;
      const first = replayed(ClientToken, input);
      if (first !== null) return { ProgressEvent: progress(first) };
      const object = live(TypeName as Kind, Identifier);
      if (!seen(object)) throw cloudError("ResourceNotFoundException", 404);
      if (busy(object)) throw cloudError("ConcurrentOperationException", 409);
      return { ProgressEvent: begin("UPDATE", ClientToken, input, object, patched(object.properties, PatchDocument)) };
    },
    DeleteResourceCommand({ TypeName, Identifier = "", ClientToken = "" }) {
      const input = `DELETE ${TypeName} ${Identifier}`;
      const first = replayed(ClientToken, input);
      if (first !== null) return { ProgressEvent: progress(first) };
      const object = live(TypeName as Kind, Identifier);
      if (!seen(object)) throw cloudError("ResourceNotFoundException", 404);
      if (busy(object)) throw cloudError("ConcurrentOperationException", 409);
      return { ProgressEvent: begin("DELETE", ClientToken, input, object, null) };
    },
    GetResourceCommand({ TypeName, Identifier = "" }) {
      const object = live(TypeName as Kind, Identifier);
      if (!seen(object)) throw cloudError("ResourceNotFoundException", 404);
      return { ResourceDescription: { Identifier, Properties: JSON.stringify(object.properties) } };
    },
    ListResourcesCommand({ TypeName }) {
      const found = objects.filter((one) => one.kind === TypeName && one.deletedAt === null && seen(one));
      return {
        ResourceDescriptions: found.map(({ identifier, properties }) => ({
          Identifier: identifier,
          Properties: JSON.stringify(
            weather.silentLists ? { Id: identifier } : { Id: identifier, Name: properties.Name },
          ),
        })),
      };
    },
    GetResourceRequestStatusCommand({ RequestToken }) {
      const request = requests.find((one) => one.id === RequestToken && one.startedAt > now() - requestLife);
      if (request === undefined) throw cloudError("RequestTokenNotFoundException", 404);
      return { ProgressEvent: progress(request) };
    },
    ListResourceRequestsCommand: () => ({
      ResourceRequestStatusSummaries: requests.filter(({ ended }) => !ended).map(progress),
    }),
  };

  function answer(command: { constructor: { name: string }; input: object }): object {
    tick();
    const { name } = command.constructor;
    const perform = commands[name];
    if (perform === undefined) throw new Error(`the simulated cloud has no ${name}`);
    const input = command.input as Input;
    calls.push({
      at: now(),
      command: name,
      token: input.ClientToken ?? null,
      identifier: input.Identifier ?? null,
      desired: input.DesiredState === undefined ? null : (JSON.parse(input.DesiredState) as JsonObject),
    });
    return perform(input);
  }

  return {
    objects,
    calls,
    tick,
    answer,
    set weather(next: Weather) {
      weather = next;
    },
    /** Whether a request under this token is under way. */
    running: (token: string) => requests.some((one) => one.clientToken === token && !one.ended && one.endsAt > now()),
    /** When the last request will have ended. */
    lastEnd: () => Math.max(now(), ...requests.map(({ endsAt }) => endsAt)),
    /** When the next request ends or the next object shows; null when nothing is under way. */
    nextChange(): number | null {
      const times = [
        ...requests.filter(({ ended }) => !ended).map(({ endsAt }) => endsAt),
        ...objects.filter((one) => one.deletedAt === null && one.visibleAt > now()).map(({ visibleAt }) => visibleAt),
      ];
      return times.length === 0 ? null : Math.min(...times);
    },
    /** A person changes or removes something behind Cairn's back. */
    drift(): string | null {
      tick();
      const there = objects.filter((one) => one.deletedAt === null && seen(one) && !busy(one));
      if (there.length === 0) return null;
      const object = random.pick(there);
      if (random.chance(0.4)) {
        take(object, "person", now());
        return `${object.identifier} was deleted by a person`;
      }
      object.properties = { ...object.properties, Size: 99 };
      object.drifted = true;
      return `${object.identifier} was changed by a person`;
    },
  };
}

/** A client over the cloud; `pass` is the wire, on which a call can be stopped, lost or late. */
export function clientOver(
  cloud: SimCloud,
  pass: (label: string, perform: () => Promise<object>) => Promise<object>,
): CloudControlClient {
  const send = (command: { constructor: { name: string }; input: object }) =>
    pass(labelOf(command), async () => structuredClone(cloud.answer(command)));
  return { send } as unknown as CloudControlClient;
}

function labelOf({ constructor: { name }, input }: { constructor: { name: string }; input: object }): string {
  const { TypeName = "", Identifier = "", ClientToken = "", RequestToken = "" } = input as Input;
  return [name.replace(/Command$/, ""), TypeName.split("::")[2], Identifier, ClientToken.slice(0, 6), RequestToken]
    .filter(Boolean)
    .join(" ");
}

function ownerOf(properties: JsonObject): string {
  const tags = properties.Tags as { Key: string; Value: string }[] | undefined;
  return tags?.find(({ Key }) => Key === "cairn:resource-id")?.Value ?? "";
}

/** RFC 6902 as far as the provider writes it: whole members, on top or inside. */
function patched(properties: JsonObject, document: string): JsonObject {
  const result = structuredClone(properties);
  for (const { op, path, value } of JSON.parse(document) as { op: string; path: string; value: JsonObject }[]) {
    const [member = "", ...rest] = path.split("/").slice(1);
    if (rest.length > 0) {
      const list = result[member] as unknown as { [index: string]: unknown }[];
      const [index = "0", field = ""] = rest;
      const item = list[Number(index)];
      if (field === "") (list as unknown[])[Number(index)] = value;
      else if (item !== undefined) item[field] = value;
    } else if (op === "remove") delete result[member];
    else result[member] = value;
  }
  return result;
}
