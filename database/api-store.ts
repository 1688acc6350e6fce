import type { ApiStore } from "../core/store.ts";
import { catalogQueries } from "./catalog.ts";
import { driftQueries } from "./drift.ts";
import { intentQueries } from "./intents.ts";
import { peopleQueries } from "./people.ts";
import { resourceQueries } from "./resources.ts";
import type { ScopedDatabases } from "./scoped.ts";

/** The store as API callers reach it: one role for teams, one for the platform. */
export function createApiStore(databases: ScopedDatabases, graceSeconds: number): ApiStore {
  return {
    ...intentQueries(databases, graceSeconds),
    ...resourceQueries(databases),
    ...catalogQueries(databases),
    ...driftQueries(databases),
    ...peopleQueries(databases, graceSeconds),
  };
}
