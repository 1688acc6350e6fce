import { BeginTransactionCommand, ExecuteStatementCommand, RDSDataClient } from "@aws-sdk/client-rds-data";
import pg from "pg";
import { afterAll, expect, test } from "vitest";
import { asDataApiError } from "../../../local/rds-data/errors.ts";
import { startRdsData } from "../../../local/rds-data/start-rds-data.ts";
import { errorOf, resourceArn, secretArn, startDataApi } from "./data-api.ts";

const api = await startDataApi();
afterAll(() => api.stop());

test("a result above 1 MiB is refused, one below it comes whole", async () => {
  const rows = (n: number) => api.execute(`select repeat('x', 1000) from generate_series(1, ${n})`);
  expect((await rows(900)).records).toHaveLength(900);
  expect(await errorOf(rows(1100))).toEqual({
    name: "UnsupportedResultException",
    message: "The result exceeds the size limit 1 MB.",
    status: 400,
  });
});

test("a row above 64 KB is refused", async () => {
  expect(await api.row("select length(repeat('x', 70000))")).toEqual([{ longValue: 70000 }]);
  expect(await errorOf(api.execute("select repeat('x', 40000), repeat('y', 30000)"))).toMatchObject({
    name: "UnsupportedResultException",
    message: "The result contains a row that exceeds the size limit 64 KB.",
  });
});

test("an oversized result ends its transaction", async () => {
  const transactionId = await api.begin();
  await errorOf(api.execute("select repeat('x', 70000)", [], { transactionId }));
  expect(await errorOf(api.commit(transactionId))).toMatchObject({ name: "TransactionNotFoundException" });
});

test("a request above 4 MiB is refused, one below it is taken", async () => {
  const send = (length: number) =>
    api.row("select length(:a)", [{ name: "a", value: { stringValue: "x".repeat(length) } }]);
  expect(await send(4_000_000)).toEqual([{ longValue: 4_000_000 }]);
  for (const length of [4_194_304, 20_000_000]) {
    expect(await errorOf(send(length))).toMatchObject({ name: "RequestEntityTooLargeException", status: 413 });
  }
  expect(await send(1)).toEqual([{ longValue: 1 }]);
});

test("a statement above 64 KB is refused", async () => {
  const error = await errorOf(api.execute(`select '${"x".repeat(66_000)}'`));
  expect(error).toMatchObject({ name: "ValidationException", status: 400 });
});

const otherSecret = secretArn.replace("store-owner", "nobody");
const refused = [
  {
    reason: "an ARN of something else",
    change: { resourceArn: "arn:aws:s3:::bucket" },
    name: "BadRequestException",
    message: "Invalid cluster arn",
  },
  {
    reason: "another cluster",
    change: { resourceArn: `${resourceArn}-2` },
    name: "BadRequestException",
    message: `HttpEndpoint is not enabled for cluster ${resourceArn}-2`,
  },
  {
    reason: "a secret that is no ARN",
    change: { secretArn: "cairn/store-owner" },
    name: "BadRequestException",
    message: "Invalid secret ARN",
  },
  {
    reason: "a secret that is not there",
    change: { secretArn: otherSecret },
    name: "SecretsErrorException",
    message: "Secrets Manager can't find the specified secret.",
  },
  {
    reason: "a schema",
    change: { schema: "public" },
    name: "ValidationException",
    message: "The schema parameter isn't supported",
  },
];
test.each(refused)("$reason is refused", async ({ change, name, message }) => {
  expect(
    await errorOf(api.client.send(new ExecuteStatementCommand({ ...api.base, sql: "select 1", ...change }))),
  ).toEqual({
    name,
    message,
    status: 400,
  });
  expect(await errorOf(api.client.send(new BeginTransactionCommand({ ...api.base, ...change })))).toMatchObject({
    name,
  });
});

const malformed = [
  { reason: "no JSON", path: "/Execute", body: "{", type: "BadRequestException", status: 400 },
  { reason: "a member missing", path: "/Execute", body: "{}", type: "ValidationException", status: 400 },
  {
    reason: "a misspelled member",
    path: "/BeginTransaction",
    body: JSON.stringify({ resourceArn, secretArn, data: 1 }),
    type: "ValidationException",
    status: 400,
  },
  {
    reason: "the deprecated ExecuteSql",
    path: "/ExecuteSql",
    body: "{}",
    type: "UnknownOperationException",
    status: 404,
  },
];
test.each(malformed)("$reason is answered in the service's form", async ({ path, body, type, status }) => {
  const response = await fetch(api.url + path, { method: "POST", body });
  expect(response.status).toBe(status);
  expect(response.headers.get("x-amzn-errortype")).toBe(type);
  expect(await response.json()).toEqual({ message: expect.any(String) });
});

test("a rotated password is read again after Postgres refused the old one", async () => {
  const role = `rotating_${api.database.name}`;
  const admin = new pg.Client({ connectionString: api.database.url });
  await admin.connect();
  await admin.query(`create role ${role} login password 'one'`);
  let password = "one";
  let reads = 0;
  const server = await startRdsData({
    postgres: { host: api.database.host, port: api.database.port },
    resourceArn,
    readSecret: async () => {
      reads += 1;
      return { username: role, password };
    },
  });
  const client = new RDSDataClient({
    endpoint: server.url,
    region: "eu-central-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
  const whoami = () => client.send(new ExecuteStatementCommand({ ...api.base, sql: "select current_user::text" }));
  try {
    await whoami();
    await whoami();
    expect(reads).toBe(1);
    await admin.query(`alter role ${role} password 'two'`);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [role]);
    password = "two";
    await expect.poll(async () => (await whoami()).records, { timeout: 5000 }).toEqual([[{ stringValue: role }]]);
    expect(reads).toBe(2);
    await admin.query(`alter role ${role} password 'three'`);
    await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", [role]);
    await expect
      .poll(() => errorOf(whoami()).then((error) => error.message), { timeout: 5000 })
      .toMatch(/SQLState: 28P01$/);
  } finally {
    client.destroy();
    await server.close();
    await admin.query(`drop role ${role}`);
    await admin.end();
  }
});

test("a database that is down is unavailable, not an error in the statement", async () => {
  const server = await startRdsData({
    postgres: { host: "127.0.0.1", port: 1 },
    resourceArn,
    readSecret: async () => ({ username: "a", password: "b" }),
  });
  const client = new RDSDataClient({
    endpoint: server.url,
    region: "eu-central-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
  expect(await errorOf(client.send(new ExecuteStatementCommand({ ...api.base, sql: "select 1" })))).toMatchObject({
    name: "DatabaseUnavailableException",
    status: 504,
  });
  client.destroy();
  await server.close();
});

test("a connection lost while a statement ran is a 500: nobody knows what it did", () => {
  const error = asDataApiError(new Error("Connection terminated unexpectedly"));
  expect(error).toMatchObject({ name: "InternalServerErrorException", status: 500 });
});
