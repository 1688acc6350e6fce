import { createHash, randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError } from "../cloud/aws-error.ts";
import { accessKeyOf, type Hear } from "../heard-call.ts";
import { type HttpServer, listen, readBody } from "../http-server.ts";
import type { ReportFailure } from "../report-failures.ts";

export type StsOptions = {
  accountId: string;
  port?: number | undefined;
  report?: ReportFailure | undefined;
  hear?: Hear | undefined;
};

/** The two calls of STS that Cairn makes, in the Query protocol. Any credentials are accepted. */
export async function startSts({ accountId, port, report = console.error, hear }: StsOptions): Promise<HttpServer> {
  return listen(
    (request, response) => {
      serve(accountId, hear, request, response).catch((error: unknown) => {
        report("sts", error);
        if (!response.headersSent) answer(response, 500, errorXml("Receiver", "InternalFailure", String(error)));
      });
    },
    { port },
  );
}

async function serve(
  accountId: string,
  hear: Hear | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request, 65_536);
  if (body === "too-large") return answer(response, 413, errorXml("Sender", "RequestEntityTooLarge", "too large"));
  const input = new URLSearchParams(body.toString());
  const action = input.get("Action") ?? "";
  const run = new Map([
    ["GetCallerIdentity", getCallerIdentity],
    ["AssumeRole", assumeRole],
  ]).get(action);
  try {
    if (run === undefined) throw new AwsError("InvalidAction", `Could not find operation ${action}`);
    const caller = accessKeyOf(request);
    hear?.({ caller, action: `sts:${action}`, resource: input.get("RoleArn") ?? "*", context: askedWith(input) });
    const members = run(accountId, input, caller);
    const result = `<${action}Result>${elements(members)}</${action}Result>`;
    answer(response, 200, `<${action}Response xmlns="${namespace}">${result}${metadata()}</${action}Response>`);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    answer(response, error.status, errorXml("Sender", error.name, error.message));
  }
}

type Members = { [name: string]: string | Members };

/** Credentials made by AssumeRole say whose they are; any others are the account's own user. */
function getCallerIdentity(accountId: string, _input: URLSearchParams, accessKey: string): Members {
  const role = assumed.get(accessKey);
  if (role !== undefined) return { Arn: role.arn, UserId: role.id, Account: role.account };
  return { Arn: `arn:aws:iam::${accountId}:user/local`, UserId: "AIDALOCALLOCALLOCAL1", Account: accountId };
}

function assumeRole(_accountId: string, input: URLSearchParams): Members {
  const roleArn = input.get("RoleArn") ?? "";
  const session = input.get("RoleSessionName") ?? "";
  const externalId = input.get("ExternalId");
  const seconds = Number(input.get("DurationSeconds") ?? 3600);
  const [, account = "", role = ""] = /^arn:aws[\w-]*:iam::(\d{12}):role\/(?:.+\/)?([\w+=,.@-]+)$/.exec(roleArn) ?? [];
  if (role === "") throw invalid(`${roleArn} is invalid`);
  if (!/^[\w+=,.@-]{2,64}$/.test(session))
    throw invalid("RoleSessionName must be 2 to 64 of letters, digits and _+=,.@-");
  if (externalId !== null && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId)) throw invalid("ExternalId is malformed");
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200)
    throw invalid("DurationSeconds must be between 900 and 43200");
  const id = `AROA${createHash("sha256").update(roleArn).digest("hex").slice(0, 16).toUpperCase()}:${session}`;
  const arn = `arn:aws:sts::${account}:assumed-role/${role}/${session}`;
  const accessKey = `ASIA${randomUUID().replaceAll("-", "").slice(0, 16).toUpperCase()}`;
  remember(accessKey, { roleArn, arn, id, account });
  return {
    Credentials: {
      AccessKeyId: accessKey,
      SecretAccessKey: randomUUID(),
      SessionToken: randomUUID(),
      Expiration: new Date(Date.now() + seconds * 1000).toISOString(),
    },
    AssumedRoleUser: { AssumedRoleId: id, Arn: arn },
  };
}

type Assumed = { roleArn: string; arn: string; id: string; account: string };
const assumed = new Map<string, Assumed>();

/** A machine that runs for months assumes roles all the time: the last thousand are enough. */
function remember(accessKey: string, role: Assumed): void {
  assumed.set(accessKey, role);
  const [oldest] = assumed.keys();
  if (assumed.size > 1000 && oldest !== undefined) assumed.delete(oldest);
}

/** The role behind credentials that AssumeRole gave. */
export function assumedRole(accessKey: string): string | undefined {
  return assumed.get(accessKey)?.roleArn;
}

function askedWith(input: URLSearchParams): { [key: string]: string } {
  const externalId = input.get("ExternalId");
  return externalId === null ? {} : { "sts:ExternalId": externalId };
}

const namespace = "https://sts.amazonaws.com/doc/2011-06-15/";

function elements(members: Members): string {
  return Object.entries(members)
    .map(([name, value]) => `<${name}>${typeof value === "string" ? escapeXml(value) : elements(value)}</${name}>`)
    .join("");
}

function errorXml(type: string, code: string, message: string): string {
  const error = elements({ Error: { Type: type, Code: code, Message: message } });
  return `<ErrorResponse xmlns="${namespace}">${error}<RequestId>${randomUUID()}</RequestId></ErrorResponse>`;
}

function metadata(): string {
  return elements({ ResponseMetadata: { RequestId: randomUUID() } });
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function answer(response: ServerResponse, status: number, xml: string): void {
  response.writeHead(status, { "content-type": "text/xml" });
  response.end(xml);
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationError", message);
}
