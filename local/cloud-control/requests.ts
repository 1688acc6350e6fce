import { createHash, randomUUID } from "node:crypto";
import { AwsError } from "../cloud/aws-error.ts";
import { canonicalText, type JsonObject } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";

const hours = 3_600_000;
/** Cloud Control forgets a ClientToken after 36 hours, and a request after 7 days. */
const clientTokenLife = 36 * hours;
const requestLife = 7 * 24 * hours;

export type MutationKind = "CREATE" | "UPDATE" | "DELETE";

/** What is done when a request's time has come. `error` is a handler's failure that a fault put there. */
export type Work = { properties: JsonObject; error?: { code: string; effect: boolean } | undefined };

export type Request = {
  token: string;
  clientToken: string | null;
  inputHash: string;
  operation: MutationKind;
  typeName: string;
  identifier: string | null;
  status: "IN_PROGRESS" | "SUCCESS" | "FAILED" | "CANCEL_COMPLETE";
  errorCode: string | null;
  message: string | null;
  acceptedAt: number;
  eventAt: number;
  dueAt: number;
  work: Work;
};

export function acceptRequest(
  cloud: Cloud,
  request: Pick<Request, "clientToken" | "inputHash" | "operation" | "typeName" | "identifier" | "dueAt" | "work">,
): Request {
  const token = randomUUID();
  const now = cloud.now();
  cloud.db
    .prepare(
      `insert into requests (token, client_token, input_hash, operation, type_name, identifier, status, accepted_at, event_at, due_at, work)
       values (?, ?, ?, ?, ?, ?, 'IN_PROGRESS', ?, ?, ?, ?)`,
    )
    .run(
      token,
      request.clientToken,
      request.inputHash,
      request.operation,
      request.typeName,
      request.identifier,
      now,
      now,
      request.dueAt,
      JSON.stringify(request.work),
    );
  return { ...request, token, status: "IN_PROGRESS", errorCode: null, message: null, acceptedAt: now, eventAt: now };
}

export function endRequest(
  cloud: Cloud,
  request: Request,
  end: { status: Request["status"]; at: number; errorCode?: string; message?: string; identifier?: string },
): void {
  cloud.db
    .prepare(
      "update requests set status = ?, event_at = ?, error_code = ?, message = ?, identifier = ? where token = ?",
    )
    .run(
      end.status,
      end.at,
      end.errorCode ?? null,
      end.message ?? null,
      end.identifier ?? request.identifier,
      request.token,
    );
}

export function findRequest(cloud: Cloud, token: string): Request {
  const found = select(cloud, "token = ? and accepted_at > ?", token, cloud.now() - requestLife)[0];
  if (found !== undefined) return found;
  throw new AwsError("RequestTokenNotFoundException", `Request with token ${token} was not found`);
}

/** The request that this token made within its life. */
export function findByClientToken(cloud: Cloud, clientToken: string): Request | undefined {
  const since = cloud.now() - clientTokenLife;
  return select(cloud, "client_token = ? and accepted_at > ? order by seq desc limit 1", clientToken, since)[0];
}

/** The changes of an object that are under way; a create is one as soon as its identifier is known. */
export function requestsInFlight(cloud: Cloud, typeName: string, identifier: string): Request[] {
  return select(cloud, "status = 'IN_PROGRESS' and type_name = ? and identifier = ?", typeName, identifier);
}

export function dueRequests(cloud: Cloud, now: number): Request[] {
  return select(cloud, "status = 'IN_PROGRESS' and due_at <= ? order by due_at, seq", now);
}

export function listRequests(cloud: Cloud): Request[] {
  return select(cloud, "accepted_at > ? order by seq desc", cloud.now() - requestLife);
}

/** Requests are forgotten for good, and calls with them: a cloud that runs for months stays small. */
export function forgetOldRequests(cloud: Cloud, now: number): void {
  cloud.db.prepare("delete from requests where accepted_at <= ? and status <> 'IN_PROGRESS'").run(now - requestLife);
  cloud.db.prepare("delete from calls where at <= ?").run(now - requestLife);
}

export function hashInput(operation: string, input: JsonObject): string {
  return createHash("sha256")
    .update(`${operation}\0${canonicalText(input)}`)
    .digest("hex");
}

/** The `ProgressEvent` of the API. */
export function progressEvent(request: Request): JsonObject {
  const event = {
    TypeName: request.typeName,
    Identifier: request.identifier,
    RequestToken: request.token,
    Operation: request.operation,
    OperationStatus: request.status,
    EventTime: request.eventAt / 1000,
    ErrorCode: request.errorCode,
    StatusMessage: request.message,
  };
  return Object.fromEntries(Object.entries(event).filter(([, value]) => value !== null)) as JsonObject;
}

function select(cloud: Cloud, condition: string, ...values: (string | number)[]): Request[] {
  const rows = cloud.db.prepare(`select * from requests where ${condition}`).all(...values);
  return rows.map((row) => ({
    token: String(row.token),
    clientToken: row.client_token === null ? null : String(row.client_token),
    inputHash: String(row.input_hash),
    operation: String(row.operation) as MutationKind,
    typeName: String(row.type_name),
    identifier: row.identifier === null ? null : String(row.identifier),
    status: String(row.status) as Request["status"],
    errorCode: row.error_code === null ? null : String(row.error_code),
    message: row.message === null ? null : String(row.message),
    acceptedAt: Number(row.accepted_at),
    eventAt: Number(row.event_at),
    dueAt: Number(row.due_at),
    work: JSON.parse(String(row.work)) as Work,
  }));
}
