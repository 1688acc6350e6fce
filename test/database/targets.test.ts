import { v7 as newId } from "uuid";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { knownTargets, putTargets } from "../../database/targets.ts";
import { createTestStore, type TestStore } from "../support/store.ts";
import { accept, create, makeReady, newPlace, type Place, ready, remove, resourceRow, run } from "./fixture.ts";

const platform = { subject: "pia", role: "platform", team: null } as const;
const aws = { region: "eu-west-1", accountId: "222233334444", roleArn: "arn:aws:iam::222233334444:role/a" };
const postgres = {
  region: "eu-west-1",
  clusterArn: "arn:aws:rds:eu-west-1:222233334444:cluster:tenants",
  database: "tenants",
};

let store: TestStore;
let place: Place;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());
beforeEach(async () => {
  const environment = `e-${newId().replaceAll("-", "").slice(-12)}`;
  await store.as("owner").rows("insert into cairn.environments values (:environment, 'development')", { environment });
  place = { ...(await newPlace(store)), environment };
  await put({ aws, postgres });
});

function put(configs: { [provider: string]: JsonObject }): Promise<void> {
  const targets = Object.entries(configs).map(([provider, config]) => ({
    environment: place.environment,
    provider,
    config,
  }));
  return putTargets(store.as("owner"), targets);
}

async function configOf(provider: string): Promise<JsonObject | undefined> {
  const [config] = await store
    .as("owner")
    .rows<JsonObject>("select config from cairn.targets where environment = :environment and provider = :provider", {
      environment: place.environment,
      provider,
    });
  return config;
}

/** A tenant's database, READY. */
async function makeTenant(): Promise<void> {
  const change = create("db");
  const definition = change.definition && { ...change.definition, provider: "postgres" };
  const [ref] = await accept(store, place, [{ ...change, definition }]);
  if (ref === undefined) throw new Error("nothing can start");
  await run(store, ref, ready());
}

const until = async (done: () => Promise<boolean>): Promise<void> => {
  while (!(await done())) await new Promise((resolve) => setTimeout(resolve, 20));
};

describe("a target under living resources", () => {
  test.each([
    { key: "accountId", from: aws.accountId, to: "555566667777" },
    { key: "region", from: aws.region, to: "eu-central-1" },
  ])(
    "keeps its $key, and the deployment ends with both, how many live there and what to do",
    async ({ key, from, to }) => {
      await makeReady(store, place, "a");
      await makeReady(store, place, "b");
      const other = { ...postgres, database: "other" };
      await expect(put({ postgres: other, aws: { ...aws, [key]: to } })).rejects.toMatchObject({
        name: "TargetMoved",
        message: `the aws target of ${place.environment} would change its ${key} from ${from} to ${to}, and 2 resources live there. Delete or abandon what lives there first, or give the new place an environment of its own`,
      });
      expect(await configOf("aws")).toEqual(aws);
      expect(await configOf("postgres")).toEqual(postgres);
    },
  );

  test("keeps its cluster where tenants live; another provider's resources are none of its own", async () => {
    await makeReady(store, place, "a");
    const moved = { ...postgres, clusterArn: `${postgres.clusterArn}-2` };
    await put({ postgres: moved });
    await put({ postgres });
    await makeTenant();
    await expect(put({ postgres: moved })).rejects.toThrow(
      `clusterArn from ${postgres.clusterArn} to ${moved.clusterArn}, and 1 resource lives there`,
    );
  });

  test("does not lose what names its place", async () => {
    await makeReady(store, place, "a");
    const { accountId: _, ...rest } = aws;
    await expect(put({ aws: rest })).rejects.toThrow(`accountId from ${aws.accountId} to nothing`);
  });

  test("changes in everything else, and is filled in where the store did not know", async () => {
    await put({ aws: { region: aws.region } });
    await makeReady(store, place, "a");
    const filled = { ...aws, roleArn: "arn:aws:iam::222233334444:role/b", subnetIds: ["subnet-1"] };
    await put({ aws: filled });
    expect(await configOf("aws")).toEqual(filled);
  });

  test("moves when they are deleted or abandoned, and in an environment that has none", async () => {
    const moved = { ...aws, region: "eu-central-1" };
    await put({ aws: moved });
    await put({ aws });
    const deleted = await makeReady(store, place, "a");
    const abandoned = await makeReady(store, place, "b");
    const [ref] = await accept(store, place, [remove(deleted, "a", 1)]);
    if (ref === undefined) throw new Error("nothing can start");
    await expect(put({ aws: moved })).rejects.toThrow("2 resources live there");
    await run(store, ref, { to: "deleted" });
    await expect(put({ aws: moved })).rejects.toThrow("1 resource lives there");
    await store.api.abandonResource("platform", platform, abandoned);
    await put({ aws: moved });
    expect(await configOf("aws")).toEqual(moved);
  });

  test("stays when one is accepted while the deployment asks", async () => {
    const id = await makeReady(store, place, "a");
    const owner = store.as("owner");
    await owner.rows("update cairn.resources set status = 'DELETED' where id = :id::uuid", { id });
    const other = await store.session("superuser");
    await other.query("begin");
    await other.query("update cairn.resources set status = 'READY' where id = $1", [id]);
    const moving = put({ aws: { ...aws, region: "eu-central-1" } }).then(
      () => "moved",
      (error: Error) => error.name,
    );
    const waiting =
      "select to_jsonb(count(*)) from pg_locks where not granted and relation = 'cairn.resources'::regclass";
    let moved = false;
    moving.finally(() => {
      moved = true;
    });
    await until(async () => moved || (await owner.rows<number>(waiting))[0] === 1);
    await other.query("commit");
    await other.end();
    expect(await moving).toBe("TargetMoved");
    expect(await configOf("aws")).toEqual(aws);
  });
});

test("a target that a stage no longer has stays, with what lives there", async () => {
  const id = await makeReady(store, place, "a");
  await putTargets(store.as("owner"), []);
  expect(await knownTargets(store.as("owner"), [{ environment: place.environment, provider: "aws" }])).toHaveLength(1);
  expect((await resourceRow(store, id)).status).toBe("READY");
});
