import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { errorOf, startDataApi } from "./data-api.ts";

const api = await startDataApi();
const impatient = await startDataApi({ times: { statement: 300, transactionIdle: 300, transactionLife: 800 } });
beforeAll(async () => {
  await api.execute("create table t (id int primary key)");
});
afterAll(async () => {
  await api.stop();
  await impatient.stop();
});

const count = async () => (await api.row("select count(*) from t"))?.[0]?.longValue;

test("what is committed is there, and was seen by nobody before", async () => {
  const transactionId = await api.begin();
  await api.execute("insert into t values (1)", [], { transactionId });
  expect(await count()).toBe(0);
  expect(await api.row("select count(*) from t", [], { transactionId })).toEqual([{ longValue: 1 }]);
  expect((await api.commit(transactionId)).transactionStatus).toBe("Transaction Committed");
  expect(await count()).toBe(1);
});

test("what is rolled back is gone", async () => {
  const transactionId = await api.begin();
  await api.execute("insert into t values (2)", [], { transactionId });
  expect((await api.rollback(transactionId)).transactionStatus).toBe("Rollback Complete");
  expect(await count()).toBe(1);
});

test("a setting made in a transaction is not left on its connection", async () => {
  const transactionId = await api.begin();
  await api.execute("select set_config('cairn.team', 'payments', false)", [], { transactionId });
  await api.commit(transactionId);
  const settings = await Promise.all(
    Array.from({ length: 10 }, () => api.row("select coalesce(current_setting('cairn.team', true), '')")),
  );
  expect(settings).toEqual(settings.map(() => [{ stringValue: "" }]));
});

test("an unknown or ended transaction is not found", async () => {
  const transactionId = await api.begin();
  await api.rollback(transactionId);
  const missing = {
    name: "TransactionNotFoundException",
    message: `Transaction ${transactionId} is not found`,
    status: 404,
  };
  expect(await errorOf(api.execute("select 1", [], { transactionId }))).toEqual(missing);
  expect(await errorOf(api.commit(transactionId))).toEqual(missing);
  expect(await errorOf(api.rollback(transactionId))).toEqual(missing);
});

test("after a failed statement nothing of it can be committed", async () => {
  const transactionId = await api.begin();
  await api.execute("insert into t values (3)", [], { transactionId });
  expect(await errorOf(api.execute("insert into t values (3)", [], { transactionId }))).toMatchObject({
    name: "DatabaseErrorException",
  });
  expect((await errorOf(api.execute("select 1", [], { transactionId }))).message).toMatch(/SQLState: 25P02$/);
  expect((await errorOf(api.commit(transactionId))).message).toMatch(/SQLState: 25P02$/);
  expect(await count()).toBe(1);
});

test("a savepoint brings a failed transaction back", async () => {
  const transactionId = await api.begin();
  await api.execute("savepoint here", [], { transactionId });
  await errorOf(api.execute("select 1 / 0", [], { transactionId }));
  await api.execute("rollback to savepoint here", [], { transactionId });
  expect(await api.row("select 1", [], { transactionId })).toEqual([{ longValue: 1 }]);
  await api.rollback(transactionId);
});

test("two statements at once in one transaction: the second is refused", async () => {
  const transactionId = await api.begin();
  const first = api.execute("select pg_sleep(0.3)::text", [], { transactionId });
  await sleep(100);
  expect(await errorOf(api.execute("select 1", [], { transactionId }))).toMatchObject({
    name: "DatabaseErrorException",
    message: "Transaction is still running a query",
  });
  await first;
  await api.rollback(transactionId);
});

test("another database than the transaction's is refused", async () => {
  const transactionId = await api.begin();
  expect(await errorOf(api.execute("select 1", [], { transactionId, database: "postgres" }))).toMatchObject({
    name: "BadRequestException",
  });
  await api.rollback(transactionId);
});

test("an idle transaction is rolled back and forgotten", async () => {
  const transactionId = await impatient.begin();
  await impatient.execute("create table idle (x int)", [], { transactionId });
  await sleep(500);
  expect(await errorOf(impatient.commit(transactionId))).toMatchObject({ name: "TransactionNotFoundException" });
  expect(await impatient.row("select to_regclass('idle') is null")).toEqual([{ booleanValue: true }]);
});

test("a transaction that is kept busy still ends when its life is over", async () => {
  const transactionId = await impatient.begin();
  for (const _ of [1, 2, 3]) {
    await impatient.execute("select 1", [], { transactionId });
    await sleep(150);
  }
  await sleep(500);
  expect(await errorOf(impatient.commit(transactionId))).toMatchObject({ name: "TransactionNotFoundException" });
});

test("a statement that takes too long is stopped, and its transaction is lost", async () => {
  const transactionId = await impatient.begin();
  const timeout = { name: "StatementTimeoutException", message: "Request timed out", status: 400 };
  expect(await errorOf(impatient.execute("select pg_sleep(5)::text", [], { transactionId }))).toEqual(timeout);
  expect(await errorOf(impatient.commit(transactionId))).toMatchObject({ name: "TransactionNotFoundException" });
  expect(await errorOf(impatient.execute("select pg_sleep(5)::text"))).toEqual(timeout);
});

test("continueAfterTimeout answers in time and lets the statement finish", async () => {
  const sql = "create table late as select pg_sleep(0.8)::text as x";
  expect(await errorOf(impatient.execute(sql, [], { continueAfterTimeout: true }))).toMatchObject({
    name: "StatementTimeoutException",
  });
  await expect
    .poll(() => impatient.row("select to_regclass('late') is not null"), { timeout: 5000 })
    .toEqual([{ booleanValue: true }]);
});
