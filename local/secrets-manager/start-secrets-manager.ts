import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError } from "../cloud/aws-error.ts";
import { answerError, answerJson, readAwsJsonCall } from "../cloud/aws-json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { settle } from "../cloud-control/settle.ts";
import { type HttpServer, listen } from "../http-server.ts";
import type { ReportFailure } from "../report-failures.ts";
import { operations } from "./operations.ts";

export type SecretsManagerOptions = { store: Cloud; port?: number | undefined; report?: ReportFailure | undefined };

/** Secrets Manager as the real client speaks to it, over the secrets of this cloud, whoever made them. */
export async function startSecretsManager(options: SecretsManagerOptions): Promise<HttpServer> {
  const { store, port, report = console.error } = options;
  return listen(
    (request, response) => {
      serve(store, request, response).catch((error: unknown) => {
        report("secrets-manager", error);
        if (!response.headersSent) answerError(response, 500, "InternalServiceError", String(error));
      });
    },
    { port },
  );
}

async function serve(cloud: Cloud, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = await readAwsJsonCall(request, response, "secretsmanager");
  if (call === undefined) return;
  const { operation, input } = call;
  const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  try {
    if (run === undefined) throw new AwsError("UnknownOperationException", `${operation} is no operation`);
    settle(cloud);
    answerJson(
      response,
      200,
      cloud.transaction(() => run(cloud, input)),
      "application/x-amz-json-1.1",
    );
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    answerError(response, error.status, error.name, error.message);
  }
}
