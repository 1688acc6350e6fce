import { callError, connectionRefused } from "./call-error.ts";
import type { Random } from "./random.ts";

export type Port = "store" | "provider" | "start";

/**
 * What becomes of a call. `before`: it is lost on its way; `after`: its answer is. `late`: it arrives when its caller may have
 * given up. `throttled`, `denied`, `refused`, `resuming`, `conflict`: refused, and known to have done nothing.
 */
export type Delivery =
  | "ok"
  | "before"
  | "after"
  | "throttled"
  | "denied"
  | "refused"
  | "resuming"
  | "conflict"
  | "hang-before"
  | "hang-after"
  | "late"
  | "crash-before"
  | "crash-after";

export const deliveries: { readonly [port in Port]: readonly Delivery[] } = {
  store: ["before", "after", "refused", "resuming", "conflict", "crash-before", "crash-after"],
  provider: [
    "before",
    "after",
    "throttled",
    "denied",
    "refused",
    "hang-before",
    "hang-after",
    "late",
    "crash-before",
    "crash-after",
  ],
  start: ["before", "after", "crash-before", "crash-after"],
};

/** Those in which the call has its effect although its caller does not hear of it, or not in time. */
export const arrives: ReadonlySet<Delivery> = new Set(["after", "hang-after", "crash-after"]);

/** The error that the caller's client throws. */
export function errorOf(port: Port, how: Delivery, random: Random): Error {
  switch (how) {
    case "throttled":
      return callError("ThrottlingException", 429);
    case "denied":
      return callError("AccessDeniedException", 403);
    case "refused":
      return connectionRefused();
    case "resuming":
      return callError("DatabaseResumingException", 400);
    case "conflict":
      return callError("DatabaseErrorException", 400, `ERROR: SQLState: ${random.pick(["40001", "40P01"])}`);
    default:
      break;
  }
  if (port === "start") return callError("ThrottlingException", 400);
  const lost = [callError("TimeoutError", null), callError("InternalServerErrorException", 500)];
  if (port === "store" || how === "after") return random.pick(lost);
  return random.pick([...lost, callError("ServiceUnavailable", 503)]);
}
