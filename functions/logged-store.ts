import type { WorkerStore } from "../core/store.ts";
import { log } from "./log.ts";

/** Says in the log what became of each step, by ids and codes. A look that changed nothing is said by its provider calls. */
export function loggedStore(store: WorkerStore): WorkerStore {
  return {
    ...store,
    async claim(ref, leaseSeconds) {
      const result = await store.claim(ref, leaseSeconds);
      log("info", "claim", result);
      return result;
    },
    async advance(ref, progress, answer) {
      const result = await store.advance(ref, progress, answer);
      const { to, reason } = { reason: null, ...progress };
      const { code, providerCode } = reason ?? {};
      log("info", "advance", { to, reason: code, providerCode, outcome: result.outcome, answer: answer?.answer });
      return result;
    },
  };
}
