import type { Scope } from "../../core/caller.ts";
import type { DecisionView, Environment, Orphan, Service, Target, Team } from "../../core/catalog.ts";
import type { DriftReport, Finding } from "../../core/drift.ts";
import type { IntentView } from "../../core/intent.ts";
import type { Resource, ResourceEvent } from "../../core/resource.ts";
import type { Acceptance, ApiStore, Page, PageRequest } from "../../core/store.ts";

export type FakeState = {
  teams: Team[];
  services: Service[];
  environments: Environment[];
  targets: Target[];
  resources: Resource[];
  events: (ResourceEvent & { resource: string })[];
  intents: IntentView[];
  decisions: DecisionView[];
  reports: (DriftReport & { team: string; items: Finding[] })[];
  findings: Finding[];
  orphans: Orphan[];
  keys: Map<string, { requestHash: string; response: IntentView }>;
  acceptances: Acceptance[];
};

export const at = "2026-11-22T21:04:05.123456Z";

/**
 * The store's contract in memory, for what HTTP does with it and nothing else: SQL, row-level security and races are
 * tested over a real Postgres. `calls` lists every method that ran.
 */
export function fakeApiStore(state: FakeState): ApiStore & { calls: string[] } {
  const calls: string[] = [];
  const mine = <T extends { team: string }>(scope: Scope, rows: T[]) =>
    rows.filter(({ team }) => scope === "platform" || scope.team === team);
  const put = <T>(rows: T[], same: (row: T) => boolean, row: T): boolean => {
    const index = rows.findIndex(same);
    rows.splice(index === -1 ? rows.length : index, index === -1 ? 0 : 1, row);
    return index === -1;
  };

  const store: ApiStore = {
    async intentContext(scope, { team, service, environment, key }) {
      const found = state.environments.find((known) => known.environment === environment);
      const targets = state.targets.filter((known) => known.environment === environment);
      return {
        team: mine(scope, state.teams).find((known) => known.team === team) ? { contact: null } : null,
        environment: found === undefined ? null : { tier: found.tier },
        targets: Object.fromEntries(targets.map(({ provider, config }) => [provider, config])),
        version: state.acceptances.length,
        key: state.keys.get(`${team}/${key}`) ?? null,
        resources: state.resources
          .filter((known) => known.team === team && known.service === service && known.environment === environment)
          .map((known) => ({
            ...known,
            deleting: false,
            identifier: known.external?.identifier ?? null,
            definitionHash: "",
            definition: null,
            outputKeys: Object.keys(known.outputs),
            heldOutside: false,
            dependsOn: [],
            operation: null,
          })),
      };
    },
    async acceptIntent(acceptance) {
      state.keys.set(`${acceptance.intent.team}/${acceptance.key}`, acceptance);
      state.acceptances.push(acceptance);
      state.intents.push(acceptance.response);
      return { outcome: "accepted", startable: [] };
    },
    async recordDenial() {},
    intent: async (scope, id) => mine(scope, state.intents).find((row) => row.id === id) ?? null,
    resource: async (scope, id) => mine(scope, state.resources).find((row) => row.id === id) ?? null,
    async resources(scope, filter, request) {
      const wanted = Object.entries(filter).filter(([, value]) => value !== undefined);
      const rows = mine(scope, state.resources).filter((row) =>
        wanted.every(([field, value]) => row[field as keyof typeof filter] === value),
      );
      return page(rows, ({ id }) => id, request);
    },
    async resourceEvents(scope, resource, request) {
      if (!mine(scope, state.resources).some(({ id }) => id === resource)) return null;
      const rows = state.events.filter((row) => row.resource === resource).map(({ resource: _, ...row }) => row);
      return page(rows, ({ id }) => id, request);
    },
    decision: async (scope, id) => mine(scope, state.decisions).find((row) => row.id === id) ?? null,
    team: async (scope, team) => mine(scope, state.teams).find((row) => row.team === team) ?? null,
    teams: async (scope, request) => page(mine(scope, state.teams), ({ team }) => team, request),
    async putTeam(_scope, _caller, team, fields) {
      const row = { team, ...fields, createdAt: at, updatedAt: at };
      return { created: put(state.teams, (known) => known.team === team, row), team: row };
    },
    service: async (scope, team, service) =>
      mine(scope, state.services).find((row) => row.team === team && row.service === service) ?? null,
    services: async (scope, team, request) =>
      page(
        mine(scope, state.services).filter((row) => team === null || row.team === team),
        ({ team: owner, service }) => `${owner}!${service}`,
        request,
      ),
    async putService(scope, _caller, team, service, { description }) {
      if (!mine(scope, state.teams).some((row) => row.team === team)) return null;
      const row = { team, service, description, createdAt: at, updatedAt: at };
      return {
        created: put(state.services, (known) => known.team === team && known.service === service, row),
        service: row,
      };
    },
    environment: async (_, environment) => state.environments.find((row) => row.environment === environment) ?? null,
    environments: async (_, request) => page(state.environments, ({ environment }) => environment, request),
    async putEnvironment(_scope, _caller, environment, { tier }) {
      const known = state.environments.find((row) => row.environment === environment);
      if (known !== undefined && known.tier !== tier && state.resources.some((row) => row.environment === environment))
        return "tier-in-use";
      const row = { environment, tier, createdAt: at, updatedAt: at };
      return { created: put(state.environments, (other) => other.environment === environment, row), environment: row };
    },
    targets: async (_, environment, request) =>
      page(
        state.targets.filter((row) => environment === null || row.environment === environment),
        (row) => `${row.environment}!${row.provider}`,
        request,
      ),
    driftReports: async (scope, request) =>
      page(
        mine(scope, state.reports).map(({ team: _, items: __, ...row }) => row),
        ({ id }) => id,
        request,
      ),
    async driftReport(scope, id) {
      const found = mine(scope, state.reports).find((row) => row.id === id);
      if (found === undefined) return null;
      const { team: _, ...report } = found;
      return report;
    },
    async findings(scope, filter, request) {
      const rows = state.findings.filter(
        ({ resource, resolvedAt }) =>
          (scope === "platform" || scope.team === resource.team) &&
          (filter.team === undefined || filter.team === resource.team) &&
          (filter.resolved === undefined || filter.resolved === (resolvedAt !== null)),
      );
      return page(rows, ({ id }) => id, request);
    },
    async openVerification(scope, _caller, _runId, resourceId) {
      const found = mine(scope, state.resources).find(({ id }) => id === resourceId);
      if (found === undefined) return "not-found";
      return found.status === "READY" ? "opened" : "not-ready";
    },
    async withdrawVerification() {},
    async retryResource(scope, _caller, resourceId) {
      const found = mine(scope, state.resources).find(({ id }) => id === resourceId);
      if (found === undefined) return { outcome: "not-found" };
      if (found.status !== "FAILED") return { outcome: "not-failed", status: found.status };
      found.status = "PENDING";
      return { outcome: "retried", startable: [] };
    },
    async abandonResource(scope, _caller, resourceId) {
      const found = mine(scope, state.resources).find(({ id }) => id === resourceId);
      if (found === undefined) return { outcome: "not-found" };
      if (found.status === "DELETED") return { outcome: "gone" };
      if (found.name === "used") return { outcome: "referenced", by: ["user"], more: 0 };
      if (found.name === "used-a-lot") return { outcome: "referenced", by: ["user", "user-2"], more: 1550 };
      found.status = "DELETED";
      return { outcome: "abandoned", orphan: null, startable: [] };
    },
    orphans: async (scope, team, request) =>
      page(
        state.orphans.filter(
          ({ resource }) =>
            (scope === "platform" || scope.team === resource.team) && (team === null || team === resource.team),
        ),
        ({ id }) => id,
        request,
      ),
    async putBreaker(_scope, caller, { environment, provider, service }, wanted) {
      if (!state.targets.some((row) => row.environment === environment && row.provider === provider)) return null;
      const heldBy = wanted === "OPEN" ? caller.subject : null;
      return { service, state: wanted, failures: 0, lastError: null, retryAt: null, heldBy, changedAt: at };
    },
  };

  const counted = Object.entries(store).map(([name, method]) => [
    name,
    (...given: unknown[]) => {
      calls.push(name);
      return (method as (...all: unknown[]) => unknown)(...given);
    },
  ]);
  return { ...(Object.fromEntries(counted) as ApiStore), calls };
}

function page<T>(rows: T[], keyOf: (row: T) => string, { limit, cursor }: PageRequest): Page<T> {
  const rest = rows
    .toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1))
    .filter((row) => cursor === null || keyOf(row) > cursor);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: rest.length > limit && last !== undefined ? keyOf(last) : null };
}
