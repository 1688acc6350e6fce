import { isObject, type JsonObject } from "../core/json.ts";
import type { ResourceEvent } from "../core/resource.ts";

export type StoredEvent = Omit<ResourceEvent, "message">;

/** A timeline entry in words a developer understands. An event this version does not know is shown by its name. */
export function eventMessage({ event, actor, detail }: StoredEvent): string {
  return sentences[event]?.(detail, actor) ?? event;
}

const sentences: { [event: string]: (detail: JsonObject, actor: string) => string } = {
  "resource.create": (_, actor) => `${actor} asked for it, and policy allowed it.`,
  "resource.update": (detail, actor) => `${actor} changed it: generation ${detail.generation}.`,
  "resource.delete": (_, actor) => `${actor} asked for its deletion, and policy allowed it.`,
  "resource.retry": (_, actor) => `${actor} asked for another try.`,
  "resource.reapplied": (detail) => `An output that it uses has changed: generation ${detail.generation}.`,
  "operation.claimed": ({ attempt, again }) => `Work ${again === true ? "went on" : "began"} (attempt ${attempt}).`,
  "operation.sent": (detail) =>
    detail.kind === "delete"
      ? "The provider was asked to delete it."
      : `The provider was asked for it (attempt ${detail.attempt}).`,
  "operation.resettled": () => "What became of its last request is not known, so that is found out first.",
  "operation.ready": () => "It is READY.",
  "operation.deleted": () => "It is deleted.",
  "operation.superseded": () => "A newer change took its place.",
  "operation.waiting": (detail) => `It waits until ${detail.retryAt}${codeOf(detail)}: ${reasonOf(detail)}`,
  "operation.failed": (detail) => `It failed${codeOf(detail)}: ${reasonOf(detail)}`,
  "operation.blocked": ({ by, more }) =>
    `It cannot go on: ${list(by)}${typeof more === "number" && more > 0 ? ` and ${more} more` : ""} failed.`,
  "operation.unblocked": () => "What it waited for is done, so it goes on.",
  "operation.stumbled": (detail) => `A step ended in an unexpected error (${detail.error}).`,
  "operation.held": (detail) => {
    const { gate, heldBy, service, provider, environment } = detail;
    if (gate !== "BREAKER") return `It waits: more is asked of ${provider} in ${environment} than it takes at once.`;
    return typeof heldBy === "string"
      ? `It waits: ${heldBy} has paused ${service} in ${environment}.`
      : `It waits: ${service} in ${environment} is not answering as it should.`;
  },
  "operation.resumed": () => "Its turn came, so it goes on.",
  "breaker.opened": (detail) =>
    detail.probe === true
      ? `${detail.service} in ${detail.environment} still does not answer (${detail.error}).`
      : `${detail.service} in ${detail.environment} failed too often (${detail.error}): everything there waits until it answers.`,
  "breaker.closed": (detail) => `${detail.service} in ${detail.environment} answers again.`,
  "resource.abandoned": (detail, actor) =>
    detail.orphan === null
      ? `${actor} gave up its record; nothing of it is outside.`
      : `${actor} gave up its record; what may be left outside is the orphan ${detail.orphan}.`,
  "operation.taken-over": ({ was }) => pickedUp[String(was)] ?? "Cairn picked it up again.",
  "drift.verification": (_, actor) => `${actor} asked for a look at it.`,
  "drift.detected": (detail) =>
    isWhole(detail)
      ? "It is gone, removed behind Cairn's back."
      : `It was changed behind Cairn's back: ${list(detail.pointers)}.`,
  "drift.doubted": (detail) =>
    `It was not found, and neither was too much else of ${detail.provider} in ${detail.environment} to believe it: it is looked for again.`,
  "drift.found": () => "It is there: that it was not found was a mistake.",
  "drift.resolved": (detail) =>
    isWhole(detail) ? "It is there again." : `It is as wanted again: ${list(detail.pointers)}.`,
};

/** By what an operation was when it was taken over; older entries do not say. */
const pickedUp: { [was: string]: string } = {
  RUNNING: "Whoever worked on it stopped, so Cairn picked it up again.",
  WAITING: "The wait is over, so it goes on.",
  PENDING: "It was still to be started, so Cairn started it.",
};

function reasonOf(detail: JsonObject): string {
  return isObject(detail.reason) && typeof detail.reason.message === "string"
    ? detail.reason.message
    : "no reason was given.";
}

/** The provider's own code, where the reason has one. */
function codeOf({ reason }: JsonObject): string {
  return isObject(reason) && typeof reason.providerCode === "string"
    ? `, with the provider's code ${reason.providerCode}`
    : "";
}

/** The finding about the object as a whole, whose pointer is empty. */
function isWhole({ pointers }: JsonObject): boolean {
  return Array.isArray(pointers) && pointers.length === 1 && pointers[0] === "";
}

function list(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : String(value ?? "");
}
