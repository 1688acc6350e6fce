import type { JsonObject } from "../core/json.ts";
import type { Database } from "./data-api.ts";

/** A stage's target is for an environment that is not there. */
export class UnknownEnvironment extends Error {
  override readonly name = "UnknownEnvironment";
  constructor(targets: readonly { environment: string; provider: string }[], known: readonly string[]) {
    const named = targets.map(({ environment, provider }) => `the ${provider} target of ${environment}`).join(", ");
    super(
      `${named}: there is no such environment; there are ${known.join(", ")}, and PUT /v1/environments/NAME makes one`,
    );
  }
}

/** A stage's target names another place than the one where its environment's resources live. */
export class TargetMoved extends Error {
  override readonly name = "TargetMoved";
  constructor(moves: readonly Move[]) {
    const told = moves.map(({ environment, provider, changes, living }) => {
      const changed = changes.map(({ key, from, to }) => `${key} from ${from} to ${to ?? "nothing"}`).join(", ");
      return `the ${provider} target of ${environment} would change its ${changed}, and ${living} ${living === 1 ? "resource lives" : "resources live"} there`;
    });
    super(
      `${told.join("; ")}. Delete or abandon what lives there first, or give the new place an environment of its own`,
    );
  }
}

type Move = {
  environment: string;
  provider: string;
  changes: { key: string; from: string; to: string | null }[];
  living: number;
};

/**
 * Sets the platform team's targets. One that is left out stays: resources may live there.
 *
 * @throws {UnknownEnvironment} and sets none
 * @throws {TargetMoved} and sets none: elsewhere, what lives is not found, so that a delete would leave it and an update make it twice
 */
export async function putTargets(
  database: Database,
  targets: readonly { environment: string; provider: string; config: JsonObject }[],
): Promise<void> {
  const known = await database.rows<string>(
    "select to_jsonb(environment) from cairn.environments order by environment",
  );
  const unknown = targets.filter(({ environment }) => !known.includes(environment));
  if (unknown.length > 0) throw new UnknownEnvironment(unknown, known);
  await database.transaction(async ({ rows }) => {
    await refuseMoves(rows, targets);
    await rows(
      `insert into cairn.targets as known (environment, provider, config)
       select t->>'environment', t->>'provider', t->'config' from jsonb_array_elements(:targets::jsonb) t
       on conflict (environment, provider) do update set config = excluded.config, updated_at = now()
       where known.config <> excluded.config`,
      { targets: JSON.stringify(targets) },
    );
  });
}

/** What names a place; the rest says how to get there, and what to make things with. */
const placeKeys = ["accountId", "region", "clusterArn"];

/** A key that the store did not know yet is filled in, which moves nothing. */
async function refuseMoves(
  rows: Database["rows"],
  targets: readonly { environment: string; provider: string; config: JsonObject }[],
): Promise<void> {
  await rows("lock table cairn.targets in share row exclusive mode");
  const moves = await rows<Omit<Move, "living">>(
    `select json_build_object('environment', environment, 'provider', provider,
       'changes', json_agg(json_build_object('key', key, 'from', known.config->>key, 'to', t.config->>key) order by nr))
     from jsonb_to_recordset(:targets::jsonb) as t(environment text, provider text, config jsonb)
     join cairn.targets known using (environment, provider)
     cross join jsonb_array_elements_text(:keys::jsonb) with ordinality as k(key, nr)
     where known.config->>key <> coalesce(t.config->>key, '')
     group by environment, provider order by environment, provider`,
    { targets: JSON.stringify(targets), keys: JSON.stringify(placeKeys) },
  );
  if (moves.length === 0) return;
  // What is accepted meanwhile waits, and is then made in the new place; what was accepted before is counted.
  await rows("lock table cairn.resources in share mode");
  const living = await rows<Pick<Move, "environment" | "provider" | "living">>(
    `select json_build_object('environment', environment, 'provider', provider, 'living', count(*))
     from cairn.resources where status <> 'DELETED' group by environment, provider`,
  );
  const refused = moves.flatMap((move) =>
    living
      .filter(({ environment, provider }) => environment === move.environment && provider === move.provider)
      .map((found) => ({ ...move, living: found.living })),
  );
  if (refused.length > 0) throw new TargetMoved(refused);
}

/** Which of these places the store knows a target of. */
export async function knownTargets(
  database: Database,
  places: readonly { environment: string; provider: string }[],
): Promise<{ environment: string; provider: string }[]> {
  return database.rows(
    `select json_build_object('environment', t.environment, 'provider', t.provider)
     from jsonb_to_recordset(:places::jsonb) as p(environment text, provider text)
     join cairn.targets t using (environment, provider)`,
    { places: JSON.stringify(places) },
  );
}
