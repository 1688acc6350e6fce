import type { OpenAPIHono } from "@hono/zod-openapi";
import type { AcceptDeps, AcceptOutcome, AcceptRequest } from "../control/accept-intent.ts";
import type { Caller } from "../core/caller.ts";
import type { CallerRules } from "./caller-rules.ts";

/** One thing worth an operator's reading. Never holds a message of an error or a caller's values (law: Security 8). */
export type LogEntry = {
  level: "error" | "warn";
  what: string;
  error: string;
  /** The name of what was behind it. */
  cause?: string;
  at: string[];
  route: string;
  request: string;
};

export type ApiDeps = AcceptDeps & {
  /** The contract as it is committed; left out, it is made of the routes. */
  contract?: () => object;
  log?: (entry: LogEntry) => void;
  /** Who is who; as tokens say it plainly when left out. */
  callers?: CallerRules;
};

/** The one use case that the tests of this room replace, because it brings golden paths and policy with it. */
export type AcceptIntent = (deps: AcceptDeps, request: AcceptRequest) => Promise<AcceptOutcome>;

/** Of API Gateway's payload 2.0: who is calling, as its authorizer hands it on; absent where no token is needed. */
export type GatewayContext = {
  requestId?: string | undefined;
  authorizer?: { jwt?: { claims?: { [name: string]: unknown } }; iam?: { userArn?: unknown } } | undefined;
};

/** What of an HTTP API event (payload 2.0) is read here or by Hono's adapter. */
export type GatewayEvent = {
  rawPath: string;
  rawQueryString: string;
  headers?: { [name: string]: string | undefined };
  body?: string | undefined;
  isBase64Encoded?: boolean;
  requestContext: GatewayContext & { domainName: string; http: { method: string } };
};

export type GatewayResult = {
  statusCode: number;
  headers: { [name: string]: string };
  body: string;
  isBase64Encoded: boolean;
};

export type ApiEnv = {
  Bindings: { event?: GatewayEvent; requestContext?: GatewayContext };
  Variables: { caller: Caller };
};

export type Api = OpenAPIHono<ApiEnv>;
