import { type Context, summary } from "./context.ts";
import { StatesError } from "./errors.ts";
import type { Status } from "./executions-store.ts";
import { readToken, writeToken } from "./page-token.ts";
import { optionalChoice, optionalText, pageSize, type Request } from "./request.ts";

const statuses = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"] as const;

/** Newest first. Of a machine only: there are no Map Runs here, and nothing was ever redriven. */
export function listExecutions(context: Context, request: Request): object {
  const { arns, store, now } = context;
  const machine = arns.machineOf(machineArn(request));
  const filter = optionalChoice(request, "statusFilter", statuses);
  if (filter === "PENDING_REDRIVE") throw invalid("PENDING_REDRIVE is a status of a Map Run's executions");
  const redriven = optionalChoice(request, "redriveFilter", ["REDRIVEN", "NOT_REDRIVEN"]) === "REDRIVEN";
  const limit = pageSize(request);
  const before = readToken("ListExecutions", request, now()) ?? Number.MAX_SAFE_INTEGER;
  const status: Status | null = filter ?? null;
  const found = redriven ? [] : store.list({ machine, status, before, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    executions: page.map((execution) => summary(context, execution)),
    ...(found.length > limit && last !== undefined
      ? { nextToken: writeToken("ListExecutions", request, last.id, now()) }
      : {}),
  };
}

function machineArn(request: Request): string {
  const machine = optionalText(request, "stateMachineArn");
  const mapRun = optionalText(request, "mapRunArn");
  if (machine !== undefined && mapRun !== undefined)
    throw invalid("Provide a StateMachine ARN or MapRun ARN, not both");
  if (mapRun !== undefined) throw new StatesError("ResourceNotFound", `Map Run Does Not Exist: '${mapRun}'`);
  if (machine === undefined) throw invalid("Must provide a StateMachine ARN or MapRun ARN");
  return machine;
}

function invalid(why: string): StatesError {
  return new StatesError("ValidationException", `1 validation error detected: ${why}`);
}
