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

/**
 * Sets the platform team's targets. One that is left out stays: resources may live there.
 *
 * @throws {UnknownEnvironment} and sets none
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
  await database.rows(
    `insert into cairn.targets as known (environment, provider, config)
     select t->>'environment', t->>'provider', t->'config' from jsonb_array_elements(:targets::jsonb) t
     on conflict (environment, provider) do update set config = excluded.config, updated_at = now()
     where known.config <> excluded.config`,
    { targets: JSON.stringify(targets) },
  );
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
