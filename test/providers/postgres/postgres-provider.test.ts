import { DeleteSecretCommand, PutSecretValueCommand } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeRole } from "../../../providers/postgres/statements.ts";
import { wantedBy } from "../../../providers/postgres/target.ts";
import { afresh } from "../contract.ts";
import { converge } from "../converge.ts";
import { type PostgresStage, startPostgresStage } from "./stage.ts";

describe("a database that the postgres provider made", () => {
  let stage: PostgresStage;
  beforeAll(async () => {
    stage = await startPostgresStage();
  });
  afterAll(() => stage.stop());

  const make = async () => (await converge(stage.provider, stage.newCall(), "ready")).call;
  const pointersSeen = async (call: Awaited<ReturnType<typeof make>>) => {
    const seen = await stage.provider.observe(afresh(call));
    return seen.state === "drifted" ? seen.differences.map(({ pointer }) => pointer) : [seen.state];
  };

  test("lets its role in, which may create tables", async () => {
    const client = await stage.login(await make());
    await client.query("create table orders (id int primary key)");
    await client.query("insert into orders values (1)");
    expect((await client.query("select current_user = $1 as me", [client.user])).rows).toEqual([{ me: true }]);
    await client.end();
  });

  test("lets no other role in, nor its role into the admin's or another's database", async () => {
    const [one, other] = [await make(), await make()];
    await expect(stage.login(one, other.externalName)).rejects.toThrow(/permission denied for database/);
    await expect(stage.login(one, stage.adminDatabase)).rejects.toThrow(/permission denied for database/);
  });

  test("is closed without locking out whoever could log in to the admin's database before", async () => {
    const person = `person_${stage.adminDatabase}`;
    await stage.superuser.query(`create role ${person} login`);
    await stage.superuser.query(`grant connect on database ${stage.adminDatabase} to public`);
    await make();
    const { rows } = await stage.superuser.query(
      "select has_database_privilege($1, $2, 'connect') as person, exists (select from aclexplode((select datacl from pg_database where datname = $2)) where grantee = 0 and privilege_type = 'CONNECT') as public",
      [person, stage.adminDatabase],
    );
    // Other test files' roles got the right as well, and could not be dropped while they have it.
    await stage.superuser.query(`do $$ declare r record; begin
      for r in select distinct pg_get_userbyid(a.grantee) as name from pg_database d, aclexplode(d.datacl) a
        where d.datname = '${stage.adminDatabase}' and a.grantee <> d.datdba
      loop execute format('revoke all on database %I from %I', '${stage.adminDatabase}', r.name); end loop; end $$`);
    await stage.superuser.query(`drop role ${person}`);
    expect(rows).toEqual([{ person: true, public: false }]);
  });

  test("has a url without a password, and its password is in no statement", async () => {
    const call = await make();
    const seen = await stage.provider.observe(call);
    expect(seen).toMatchObject({
      attributes: {
        Url: `postgres://${call.externalName}@${call.target.host}:${call.target.port}/${call.externalName}`,
      },
    });
    expect(makeRole(wantedBy(call), false, "s3cret-s3cret", "v1")).not.toContain("s3cret-s3cret");
  });

  test("gets a new password when its secret was deleted", async () => {
    const call = await make();
    await stage.secrets.send(
      new DeleteSecretCommand({ SecretId: call.externalName, ForceDeleteWithoutRecovery: true }),
    );
    expect(await pointersSeen(call)).toEqual(["/SecretArn"]);
    await converge(stage.provider, afresh(call), "ready");
    await (await stage.login(call)).end();
  });

  test("takes its secret back while the recovery window of a person's delete is open", async () => {
    const call = await make();
    await stage.secrets.send(new DeleteSecretCommand({ SecretId: call.externalName, RecoveryWindowInDays: 7 }));
    expect(await pointersSeen(call)).toEqual(["/SecretArn"]);
    await converge(stage.provider, afresh(call), "ready");
    await (await stage.login(call)).end();
  });

  test("takes the password that a person put into its secret", async () => {
    const call = await make();
    const value = {
      engine: "postgres",
      host: call.target.host,
      port: call.target.port,
      username: call.externalName,
      password: "rotated-by-a-person",
      dbname: call.externalName,
    };
    await stage.secrets.send(
      new PutSecretValueCommand({ SecretId: call.externalName, SecretString: JSON.stringify(value) }),
    );
    expect(await pointersSeen(call)).toEqual(["/SecretVersion"]);
    await converge(stage.provider, afresh(call), "ready");
    await (await stage.login(call)).end();
  });

  test.each([
    { change: "alter role %I nologin", pointers: ["/RoleMayLogIn"] },
    { change: "alter role %I createdb", pointers: ["/RoleIsElevated"] },
    { change: "alter database %I allow_connections false", pointers: ["/AllowsConnections"] },
    { change: "drop database %I", pointers: ["/Database"] },
  ])("shows and mends: $change", async ({ change, pointers }) => {
    const call = await make();
    await stage.superuser.query(change.replace("%I", `"${call.externalName}"`));
    expect(await pointersSeen(call)).toEqual(pointers);
    await converge(stage.provider, afresh(call), "ready");
  });

  test("goes although a session is open and writing", async () => {
    const call = await make();
    const client = await stage.login(call);
    await client.query("begin");
    await client.query("create table busy (id int)");
    await converge(stage.provider, afresh(call), "absent");
    expect(await stage.count(call)).toBe(0);
  });

  // A server that is killed while it drops a database leaves it marked so: nothing but another DROP is possible then.
  test.each(["absent", "ready"] as const)("whose removal was cut off by a crash becomes %s", async (end) => {
    const call = await make();
    await stage.superuser.query("update pg_database set datconnlimit = -2 where datname = $1", [call.externalName]);
    await converge(stage.provider, afresh(call), end);
    expect(await stage.count(call)).toBe(end === "ready" ? 1 : 0);
  });

  test("is not made over a role of the same name that somebody else made", async () => {
    const call = stage.newCall();
    await stage.superuser.query(`create role "${call.externalName}"`);
    expect(await stage.provider.observe(call)).toMatchObject({
      state: "unknown",
      failure: { code: "NOT_OURS", transient: false },
    });
    expect(await stage.provider.destroy(call, { identifier: call.externalName })).toMatchObject({
      outcome: "rejected",
    });
    expect((await stage.superuser.query("select from pg_roles where rolname = $1", [call.externalName])).rowCount).toBe(
      1,
    );
  });

  test("costs two calls to look at, and is told wrong targets in words", async () => {
    const call = await make();
    stage.network.reset();
    await stage.provider.observe(call);
    expect(stage.network.calls.sort()).toEqual(["DescribeSecret", "Execute"]);
    expect(await stage.provider.observe({ ...call, target: {} })).toMatchObject({
      state: "unknown",
      failure: { code: "BAD_TARGET", message: expect.stringContaining("clusterArn"), transient: false },
    });
  });
});
