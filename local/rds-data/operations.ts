import { bindParameters } from "./bind-parameters.ts";
import { asDataApiError, DataApiError } from "./errors.ts";
import { responseBytes, type Times } from "./limits.ts";
import { type ParsedSql, parseSql } from "./parse-sql.ts";
import type {
  BatchExecuteRequest,
  BeginTransactionRequest,
  EndTransactionRequest,
  ExecuteRequest,
} from "./requests.ts";
import { toField, toJson } from "./result-fields.ts";
import { type Column, runStatement, type StatementResult } from "./run-statement.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { Transactions } from "./transactions.ts";

export type OperationContext = { resourceArn: string; sessions: Sessions; transactions: Transactions; times: Times };

type Target = { resourceArn: string; schema?: string | null | undefined };
type Place = { secretArn: string; database?: string | null | undefined; transactionId?: string | null | undefined };

export async function execute(context: OperationContext, request: ExecuteRequest): Promise<string> {
  checkTarget(context, request);
  const sql = bindParameters(parse(request.sql, request.transactionId), request.parameters ?? []);
  const work = async (session: Session) => toBody(await runStatement(session, sql), request);
  return request.continueAfterTimeout ? runPatiently(context, request, work) : onSession(context, request, work);
}

/** One statement with many sets of parameters: all or none where no transaction is given. */
export async function batchExecute(context: OperationContext, request: BatchExecuteRequest): Promise<string> {
  checkTarget(context, request);
  const parsed = parse(request.sql, request.transactionId);
  const sets = (request.parameterSets?.length ?? 0) > 0 ? (request.parameterSets ?? []) : [[]];
  const statements = sets.map((set) => bindParameters(parsed, set));
  await onSession(context, request, async (session) => {
    const alone = !request.transactionId && statements.length > 1;
    if (alone) await session.client.query("begin");
    try {
      for (const statement of statements) await runStatement(session, statement);
    } catch (error) {
      if (alone) await session.client.query("rollback");
      throw error;
    }
    if (alone) await session.client.query("commit");
  });
  return JSON.stringify({ updateResults: statements.map(() => ({ generatedFields: [] })) });
}

export async function beginTransaction(context: OperationContext, request: BeginTransactionRequest): Promise<string> {
  checkTarget(context, request);
  const session = await context.sessions.acquire(request.secretArn, request.database ?? undefined);
  return JSON.stringify({ transactionId: await context.transactions.begin(request, session) });
}

export async function commitTransaction(context: OperationContext, request: EndTransactionRequest): Promise<string> {
  checkTarget(context, request);
  await context.transactions.end(request.transactionId, request, "commit");
  return JSON.stringify({ transactionStatus: "Transaction Committed" });
}

export async function rollbackTransaction(context: OperationContext, request: EndTransactionRequest): Promise<string> {
  checkTarget(context, request);
  await context.transactions.end(request.transactionId, request, "rollback");
  return JSON.stringify({ transactionStatus: "Rollback Complete" });
}

function checkTarget({ resourceArn }: OperationContext, request: Target): void {
  if (!/^arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster:.+/.test(request.resourceArn)) {
    throw new DataApiError("BadRequestException", "Invalid cluster arn");
  }
  if (request.resourceArn !== resourceArn) {
    throw new DataApiError("BadRequestException", `HttpEndpoint is not enabled for cluster ${request.resourceArn}`);
  }
  if (request.schema) throw new DataApiError("ValidationException", "The schema parameter isn't supported");
}

function parse(sql: string, transactionId: string | null | undefined): ParsedSql {
  const parsed = parseSql(sql);
  // Outside a transaction these would act on a connection that the next caller gets.
  if (!transactionId && ["savepoint", "release", "rollback"].includes(parsed.keyword)) {
    throw new DataApiError("BadRequestException", `${parsed.keyword.toUpperCase()} needs a transaction`);
  }
  return parsed;
}

/** Runs in the transaction that is named, or on a connection of its own. */
async function onSession<T>(
  context: OperationContext,
  place: Place,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { transactionId } = place;
  if (transactionId) {
    try {
      return await context.transactions.use(transactionId, place, work);
    } catch (error) {
      if (endsTransaction(error)) await context.transactions.abandon(transactionId);
      throw error;
    }
  }
  const session = await context.sessions.acquire(place.secretArn, place.database ?? undefined);
  try {
    const result = await work(session);
    session.release();
    return result;
  } catch (error) {
    session.release(asDataApiError(error).status >= 500);
    throw error;
  }
}

/** After a timeout, an oversized result or a lost connection the service knows the transaction no more. */
function endsTransaction(error: unknown): boolean {
  const { name, status } = asDataApiError(error);
  return name === "StatementTimeoutException" || name === "UnsupportedResultException" || status >= 500;
}

/** `continueAfterTimeout`: the caller gets the timeout, the statement goes on. */
async function runPatiently<T>(
  context: OperationContext,
  request: ExecuteRequest,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  if (request.transactionId) {
    throw new DataApiError("BadRequestException", "continueAfterTimeout isn't supported in a transaction");
  }
  const running = onSession(context, request, async (session) => {
    await session.client.query("set statement_timeout = 0");
    return work(session);
  });
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new DataApiError("StatementTimeoutException", "Request timed out")),
      context.times.statement,
    );
  });
  running.catch(() => undefined);
  return Promise.race([running, timeout]).finally(() => clearTimeout(timer));
}

/** @throws {DataApiError} for an answer above the limit, while the transaction can still be rolled back */
function toBody(result: StatementResult, request: ExecuteRequest): string {
  const body = JSON.stringify(toResponse(result, request));
  if (Buffer.byteLength(body) > responseBytes) {
    throw new DataApiError("UnsupportedResultException", "The result exceeds the size limit 1 MB.");
  }
  return body;
}

function toResponse({ columns, rows, updated }: StatementResult, request: ExecuteRequest): object {
  const answer = { numberOfRecordsUpdated: updated, generatedFields: [] };
  if (columns.length === 0) return answer;
  if (request.formatRecordsAs === "JSON") {
    const records = rows.map((row) =>
      Object.fromEntries(columns.map(({ name, type }, index) => [name, toJson(row[index] ?? null, type)])),
    );
    return { ...answer, formattedRecords: JSON.stringify(records) };
  }
  const options = request.resultSetOptions ?? {};
  const records = rows.map((row) => columns.map(({ type }, index) => toField(row[index] ?? null, type, options)));
  return { ...answer, records, ...(request.includeResultMetadata ? { columnMetadata: columns.map(toMetadata) } : {}) };
}

/** Of the table behind a column nothing is said, as for a computed column: nothing may depend on it. */
function toMetadata({ name, type, precision, scale }: Column): object {
  const numeric = ["long", "double", "decimal"].includes(type.kind);
  return {
    name,
    label: name,
    type: type.jdbc,
    typeName: type.typeName,
    schemaName: "",
    tableName: "",
    isAutoIncrement: false,
    isSigned: numeric,
    isCurrency: false,
    isCaseSensitive: type.kind === "string",
    nullable: 2,
    precision,
    scale,
    arrayBaseColumnType: type.arrayOf ?? 0,
  };
}
