import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { accessKeyOf, type Hear } from "../heard-call.ts";
import { listen, readBody } from "../http-server.ts";
import { asDataApiError, DataApiError } from "./errors.ts";
import { requestBytes, serviceTimes, type Times } from "./limits.ts";
import {
  batchExecute,
  beginTransaction,
  commitTransaction,
  execute,
  type OperationContext,
  rollbackTransaction,
} from "./operations.ts";
import { parseRequest, requests } from "./requests.ts";
import { cachedSecrets, type ReadSecret } from "./secrets.ts";
import { createSessions } from "./sessions.ts";
import { createTransactions } from "./transactions.ts";

export type RdsDataOptions = {
  postgres: { host: string; port: number };
  /** The one cluster that this endpoint serves. */
  resourceArn: string;
  readSecret: ReadSecret;
  port?: number;
  times?: Partial<Times>;
  hear?: Hear | undefined;
};

type Place = { resourceArn: string; secretArn: string };
/** Tells of the right that is taken, then answers with the response's JSON text. */
type Operation = (context: OperationContext, body: Buffer, told: Told) => Promise<string>;
type Told = <Request extends Place>(request: Request) => Request;

const operations: { [path: string]: Operation } = {
  "/Execute": (context, body, told) => execute(context, told(parseRequest(requests.Execute, body))),
  "/BatchExecute": (context, body, told) => batchExecute(context, told(parseRequest(requests.BatchExecute, body))),
  "/BeginTransaction": (context, body, told) =>
    beginTransaction(context, told(parseRequest(requests.BeginTransaction, body))),
  "/CommitTransaction": (context, body, told) =>
    commitTransaction(context, told(parseRequest(requests.CommitTransaction, body))),
  "/RollbackTransaction": (context, body, told) =>
    rollbackTransaction(context, told(parseRequest(requests.RollbackTransaction, body))),
};

/** IAM's names for the operations whose path is not theirs. */
const rights: { [path: string]: string } = { "/Execute": "ExecuteStatement", "/BatchExecute": "BatchExecuteStatement" };

/**
 * The RDS Data API of one Aurora PostgreSQL cluster, in front of a Postgres on this machine: the service's protocol,
 * limits, type rules and errors, and never more permissive than the service.
 */
export async function startRdsData(options: RdsDataOptions): Promise<{ url: string; close(): Promise<void> }> {
  const times = { ...serviceTimes, ...options.times };
  const secrets = cachedSecrets(options.readSecret);
  const sessions = createSessions({ ...options.postgres, secrets, statementTimeout: times.statement });
  const transactions = createTransactions(times);
  const context = { resourceArn: options.resourceArn, sessions, transactions, times };
  const server = await listen((request, response) => void answer(context, options.hear, request, response), {
    port: options.port,
  });
  return {
    url: server.url,
    async close() {
      await server.close();
      await transactions.close();
      await sessions.close();
    },
  };
}

async function answer(
  context: OperationContext,
  hear: Hear | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "";
  const told: Told = (asked) => {
    const caller = accessKeyOf(request);
    const action = `rds-data:${rights[path] ?? path.slice(1)}`;
    hear?.({ caller, action, resource: asked.resourceArn, context: {} });
    // The service reads the secret with its caller's rights.
    hear?.({ caller, action: "secretsmanager:GetSecretValue", resource: asked.secretArn, context: {} });
    return asked;
  };
  try {
    const operation = request.method === "POST" ? operations[path] : undefined;
    if (!operation)
      throw new DataApiError("UnknownOperationException", `${request.method} ${request.url} is no operation`);
    // The service counts the headers too.
    const headers = request.rawHeaders.reduce((bytes, part) => bytes + part.length + 2, 0);
    const body = await readBody(request, requestBytes - headers);
    if (body === "too-large") {
      throw new DataApiError("RequestEntityTooLargeException", "The request exceeds the size limit 4 MiB");
    }
    send(response, 200, await operation(context, body, told), {});
  } catch (error) {
    const { name, status, message } = asDataApiError(error);
    // What is left of a refused body is read and dropped: closing before its end would cut the answer off as well.
    request.resume();
    send(response, status, JSON.stringify({ message }), { "x-amzn-errortype": name });
  }
}

function send(response: ServerResponse, status: number, body: string, headers: { [name: string]: string }): void {
  response
    .writeHead(status, {
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
      "x-amzn-requestid": randomUUID(),
      ...headers,
    })
    .end(body);
}
