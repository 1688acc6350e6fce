import { ExecuteStatementCommand, type RDSDataClient } from "@aws-sdk/client-rds-data";
import { ask } from "../ask.ts";
import { scrub } from "../scrub.ts";
import type { SdkError } from "../sdk-error.ts";
import { notNow, rejected, type StepFailed } from "./step-failed.ts";
import type { ClusterTarget } from "./target.ts";

/** Runs one statement as the cluster's admin; the first column of the first row, where there is one. */
export type Run = (sql: string, parameters?: { [name: string]: string }) => Promise<string | null>;

/** @returns a `Run` that throws {StepFailed} for whatever the cluster or the Data API answers */
export function statementRunner(client: RDSDataClient, target: ClusterTarget, signal: AbortSignal): Run {
  return async (sql, parameters = {}) => {
    const command = new ExecuteStatementCommand({
      resourceArn: target.clusterArn,
      secretArn: target.adminSecretArn,
      database: target.database,
      sql,
      parameters: Object.entries(parameters).map(([name, stringValue]) => ({ name, value: { stringValue } })),
      // DDL that is cut off after 45 s may leave files behind; the service itself advises to let it end.
      continueAfterTimeout: true,
    });
    const answer = await ask(client.send(command, { abortSignal: signal }));
    if (!answer.ok) throw asStep(answer.error);
    return answer.output.records?.[0]?.[0]?.stringValue ?? null;
  };
}

/** The cluster sleeps, wakes up or fails over: it is there again in a minute, and nothing is known until then. */
const away = new Set([
  "DatabaseResumingException",
  "DatabaseUnavailableException",
  "StatementTimeoutException",
  "ServiceUnavailableError",
  "InternalServerErrorException",
]);

/** SQLSTATEs of the cluster's own trouble: connections and resources, shutdowns. They pass. */
const unwell = /^(08|53|57|58)/;

/**
 * SQLSTATEs of another session at the same object: deadlocks, locks, an object in use, and what two calls at the same time do to
 * each other (`tuple concurrently updated`, a name that both were about to make). They pass too, but are no outage: anybody
 * who may log in can hold a lock.
 */
const contended = /^(40001|40P01|55006|55P03|XX000|42710|42P04|23505)$/;

function asStep(error: SdkError): StepFailed {
  const message = scrub(error.message);
  if (error.kind === "throttled")
    return notNow("throttled", "THROTTLED", "the Data API is limiting the rate; it is asked again");
  if (away.has(error.name))
    return notNow(
      "unknown",
      "CLUSTER_UNAVAILABLE",
      "the shared cluster is waking up or unavailable; it is tried again",
    );
  if (error.kind === "lost")
    return notNow("unknown", "NO_ANSWER", "the shared cluster did not answer; it is looked at again");
  const state = /SQLState: (\w{5})/.exec(error.message)?.[1];
  const busy = `the shared cluster could not do it now; it is tried again (${message})`;
  if (state !== undefined && unwell.test(state)) return notNow("unknown", "CLUSTER_UNWELL", busy);
  if (state !== undefined && contended.test(state)) return notNow("rejected", "CLUSTER_BUSY", busy);
  if (state !== undefined)
    return rejected("CLUSTER_REFUSED", `the shared cluster does not take it: ask the platform team (${message})`);
  return rejected(
    "CLUSTER_UNREACHABLE",
    `the shared cluster cannot be used with the target's settings: ask the platform team (${message})`,
  );
}
