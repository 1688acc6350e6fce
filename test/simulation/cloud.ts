import type { JsonObject } from "../../core/json.ts";
import { callError } from "./call-error.ts";
import { createRequests, shown } from "./cloud-requests.ts";
import { type AwsKind, awsKinds } from "./kinds.ts";
import { createLedger, type LedgerObject } from "./ledger.ts";
import type { Random } from "./random.ts";
import { fairWeather, type Weather } from "./weather.ts";

/** A call as its provider gets it; `desired` and `token` where it asks for a change. */
export type CloudCommand = { constructor: { name: string }; input: object };
type Input = { [member: string]: string | undefined };

export type Cloud = ReturnType<typeof createCloud>;

/**
 * A cloud in memory that keeps Cloud Control's promises and breaks what Cloud Control breaks: creations take time and are
 * not seen before they are done, tokens live 36 hours, a replay answers the first request or a conflict, reads are stale.
 */
export function createCloud(now: () => number, random: Random) {
  const ledger = createLedger();
  let weather = fairWeather;
  const requests = createRequests({ ledger, now, random, weather: () => weather });
  let made = 0;

  /** Denies knowing what exists: reads and lists show nothing, while names stay taken and requests are known. */
  let denies = false;

  const seen = (object: LedgerObject | undefined): object is LedgerObject =>
    object !== undefined && object.visibleAt <= now() && !denies;
  const busy = (object: LedgerObject) => requests.running().some((one) => one.object === object);

  /** The first answer under this token, while the cloud remembers it. */
  function replayed(token: string, input: string): object | null {
    const first = requests.underToken(token);
    if (first === null) return null;
    if (first.input !== input || random.chance(weather.conflictOnReplay)) {
      throw callError("ClientTokenConflictException", 400);
    }
    return { ProgressEvent: requests.progress(first) };
  }

  /** An object that is there, seen, and free for a change. */
  function changeable({ TypeName = "", Identifier = "" }: Input): LedgerObject {
    const object = ledger.live(TypeName, Identifier);
    if (!seen(object)) throw callError("ResourceNotFoundException", 404);
    if (busy(object)) throw callError("ConcurrentOperationException", 409);
    return object;
  }

  const commands: { [name: string]: (input: Input) => object } = {
    CreateResourceCommand({ TypeName, ClientToken = "", DesiredState = "{}" }) {
      const kind = TypeName as AwsKind;
      const input = `CREATE ${kind} ${DesiredState}`;
      const first = replayed(ClientToken, input);
      if (first !== null) return first;
      const desired = JSON.parse(DesiredState) as JsonObject;
      const name = desired.Name as string;
      const holder = ledger.objects.find(
        (one) => one.kind === kind && one.properties.Name === name && one.deletedAt === null,
      );
      if (awsKinds[kind].unique && holder !== undefined) {
        if (random.chance(0.5)) throw callError("AlreadyExistsException", 400);
        return { ProgressEvent: requests.refuse(ClientToken, input, holder) };
      }
      made += 1;
      const identifier = awsKinds[kind].identifier === "Name" ? name : `${kind.split("::")[2]?.toLowerCase()}-${made}`;
      const object = ledger.add({ kind, identifier, owner: ownerOf(desired), properties: desired, token: ClientToken });
      object.properties = shown(object, desired);
      return { ProgressEvent: requests.begin("CREATE", ClientToken, input, object, desired) };
    },
    UpdateResourceCommand(call) {
      const { ClientToken = "", PatchDocument = "[]" } = call;
      const input = `UPDATE ${call.TypeName} ${call.Identifier} ${PatchDocument}`;
      const first = replayed(ClientToken, input);
      if (first !== null) return first;
      const object = changeable(call);
      const after = patched(object.properties, PatchDocument);
      return { ProgressEvent: requests.begin("UPDATE", ClientToken, input, object, after) };
    },
    DeleteResourceCommand(call) {
      const { ClientToken = "" } = call;
      const input = `DELETE ${call.TypeName} ${call.Identifier}`;
      const first = replayed(ClientToken, input);
      return first ?? { ProgressEvent: requests.begin("DELETE", ClientToken, input, changeable(call), null) };
    },
    GetResourceCommand({ TypeName = "", Identifier = "" }) {
      const object = ledger.live(TypeName, Identifier);
      if (!seen(object)) throw callError("ResourceNotFoundException", 404);
      return { ResourceDescription: { Identifier, Properties: JSON.stringify(requests.read(object)) } };
    },
    ListResourcesCommand({ TypeName }) {
      const found = ledger.objects.filter((one) => one.kind === TypeName && one.deletedAt === null && seen(one));
      return {
        ResourceDescriptions: found.map(({ identifier, properties }) => ({
          Identifier: identifier,
          Properties: JSON.stringify({ Id: identifier, ...(weather.silentLists ? {} : { Name: properties.Name }) }),
        })),
      };
    },
    GetResourceRequestStatusCommand({ RequestToken = "" }) {
      const request = requests.byId(RequestToken);
      if (request === null) throw callError("RequestTokenNotFoundException", 404);
      return { ProgressEvent: requests.progress(request) };
    },
    ListResourceRequestsCommand: () => ({
      ResourceRequestStatusSummaries: requests.running().map(requests.progress),
    }),
  };

  return {
    ledger,
    tick: requests.tick,
    set weather(next: Weather) {
      weather = next;
    },
    answer(command: CloudCommand, denying = false): object {
      requests.tick();
      const perform = commands[command.constructor.name];
      if (perform === undefined) throw new Error(`the simulated cloud has no ${command.constructor.name}`);
      denies = denying;
      try {
        return structuredClone(perform(command.input as Input));
      } finally {
        denies = false;
      }
    },
    kindOf: (request: string) => requests.byId(request)?.object.kind,
    /** Whether a request under this token is under way. */
    running: (token: string) => requests.running().some((one) => one.clientToken === token),
    /** Whose objects are being changed just now, and by what. */
    inFlight: () =>
      requests
        .running()
        .filter(({ failure }) => failure !== "AlreadyExists")
        .map(({ id, object, operation }) => ({ id, owner: object.owner, operation })),
    /** When the last request will have ended. */
    lastEnd: requests.lastEnd,
    /** When the next request ends or the next object shows; null when nothing is under way. */
    nextChange(): number | null {
      const times = [
        ...requests.running().map(({ endsAt }) => endsAt),
        ...ledger.objects.filter((one) => one.deletedAt === null && one.visibleAt > now()).map((one) => one.visibleAt),
      ];
      return times.length === 0 ? null : Math.min(...times);
    },
    /** A person changes or removes something behind Cairn's back. */
    drift(): string | null {
      requests.tick();
      const there = ledger.objects.filter((one) => one.deletedAt === null && seen(one) && !busy(one));
      if (there.length === 0) return null;
      const object = random.pick(there);
      if (random.chance(0.4)) {
        ledger.take(object, "person", now());
        return `${object.identifier} was deleted by a person`;
      }
      object.properties = { ...object.properties, Size: 99 };
      object.drifted = true;
      return `${object.identifier} was changed by a person`;
    },
  };
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
