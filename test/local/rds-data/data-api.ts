import {
  BeginTransactionCommand,
  CommitTransactionCommand,
  ExecuteStatementCommand,
  type ExecuteStatementCommandInput,
  RDSDataClient,
  RollbackTransactionCommand,
  type SqlParameter,
} from "@aws-sdk/client-rds-data";
import { type RdsDataOptions, startRdsData } from "../../../local/rds-data/start-rds-data.ts";
import { createTestDatabase } from "../../support/postgres.ts";

export const resourceArn = "arn:aws:rds:eu-central-1:123456789012:cluster:cairn";
export const secretArn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:cairn/store-owner-AbCdEf";

type Extra = Partial<ExecuteStatementCommandInput>;

/** The server on a fresh database, and the real client of the SDK before it. */
export async function startDataApi(options: Partial<RdsDataOptions> = {}) {
  const database = await createTestDatabase();
  const superuser = new URL(database.superuserUrl);
  const credentials = { username: superuser.username, password: superuser.password };
  const server = await startRdsData({
    postgres: { host: database.host, port: database.port },
    resourceArn,
    readSecret: async (arn) => (arn === secretArn ? credentials : undefined),
    ...options,
  });
  const client = new RDSDataClient({
    endpoint: server.url,
    region: "eu-central-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
  const base = { resourceArn, secretArn, database: database.name };
  const execute = (sql: string, parameters: SqlParameter[] = [], extra: Extra = {}) =>
    client.send(new ExecuteStatementCommand({ ...base, sql, parameters, ...extra }));
  return {
    database,
    client,
    base,
    url: server.url,
    execute,
    /** The values of the first row. */
    async row(sql: string, parameters: SqlParameter[] = [], extra: Extra = {}) {
      return (await execute(sql, parameters, extra)).records?.[0];
    },
    async begin() {
      const { transactionId } = await client.send(new BeginTransactionCommand(base));
      return String(transactionId);
    },
    commit: (transactionId: string) =>
      client.send(new CommitTransactionCommand({ resourceArn, secretArn, transactionId })),
    rollback: (transactionId: string) =>
      client.send(new RollbackTransactionCommand({ resourceArn, secretArn, transactionId })),
    async stop() {
      client.destroy();
      await server.close();
      await database.drop();
    },
  };
}

/** The error a call ends in, as the SDK shows it. */
export async function errorOf(
  call: Promise<unknown>,
): Promise<{ name: string; message: string; status: number | undefined }> {
  try {
    await call;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { name, message, status: $metadata?.httpStatusCode };
  }
  throw new Error("the call succeeded");
}
