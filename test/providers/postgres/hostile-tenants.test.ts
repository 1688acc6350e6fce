import type pg from "pg";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { ProviderCall } from "../../../core/provider.ts";
import { afresh } from "../contract.ts";
import { converge } from "../converge.ts";
import { type PostgresStage, startPostgresStage } from "./stage.ts";

// A tenant owns its database, so it may change the database's row in the cluster's catalog, and not commit.

describe("a tenant who leaves its database's row locked", () => {
  let stage: PostgresStage;
  const sessions: pg.Client[] = [];
  beforeAll(async () => {
    stage = await startPostgresStage();
  });
  afterEach(async () => {
    for (const session of sessions.splice(0)) await session.end().catch(() => undefined);
  });
  afterAll(() => stage.stop());

  const make = async () => (await converge(stage.provider, stage.newCall(), "ready")).call;
  /** Opens the tenant's door to everybody, and then holds its row. */
  const hold = async (tenant: ProviderCall, ...grants: string[]) => {
    const session = await stage.login(tenant);
    sessions.push(session);
    for (const grantee of ["public", ...grants]) {
      await session.query(`grant connect on database "${tenant.externalName}" to ${grantee}`);
    }
    await session.query("begin");
    await session.query(`grant connect on database "${tenant.externalName}" to current_user`);
    return session;
  };
  const waiting = async () => {
    const query = "select from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'";
    return (await stage.superuser.query(query, [stage.admin])).rowCount;
  };

  test("keeps nobody else from a database, and no session of the admin", async () => {
    await hold(await make());
    await make();
    await make();
    expect(await waiting()).toBe(0);
  });

  test("keeps nobody else from losing a database, whose role it has let in", async () => {
    const [tenant, other] = [await make(), await make()];
    await hold(tenant, `"${other.externalName}"`);
    await converge(stage.provider, afresh(other), "absent");
    expect(await stage.count(other)).toBe(0);
  });

  test("does not keep its own from changing or going", async () => {
    const tenant = await make();
    await hold(tenant);
    const larger = { ...afresh(tenant), desired: { ...tenant.desired, ConnectionLimit: 50 } };
    await converge(stage.provider, larger, "ready");
    await hold(tenant);
    await converge(stage.provider, afresh(tenant), "absent");
    expect(await stage.count(tenant)).toBe(0);
  });

  test("ends nobody's session but its own", async () => {
    const [tenant, neighbour] = [await make(), await make()];
    const bystander = await hold(neighbour);
    await hold(tenant);
    await converge(stage.provider, { ...afresh(tenant), desired: { ...tenant.desired, ConnectionLimit: 50 } }, "ready");
    expect((await bystander.query("select 1")).rowCount).toBe(1);
  });

  test("is not the cluster's outage, when it is nobody whose session may be ended", async () => {
    const tenant = await make();
    const person = stage.superuser;
    await person.query("begin");
    await person.query(`alter role "${tenant.externalName}" connection limit 1`);
    const larger = { ...afresh(tenant), desired: { ...tenant.desired, ConnectionLimit: 50 } };
    const outcome = await stage.provider.apply(larger, { state: "drifted", identifier: tenant.externalName });
    await person.query("rollback");
    expect(outcome).toMatchObject({ outcome: "rejected", failure: { code: "CLUSTER_BUSY", transient: true } });
    await converge(stage.provider, larger, "ready");
  });

  test("does not lose it to a comment of its own", async () => {
    const tenant = await make();
    const session = await stage.login(tenant);
    await session.query(`comment on database "${tenant.externalName}" is 'what we call it'`);
    await session.end();
    expect(await stage.provider.observe(afresh(tenant))).toMatchObject({
      state: "drifted",
      differences: [{ pointer: "/Mark" }],
    });
    await converge(stage.provider, afresh(tenant), "ready");
  });
});
