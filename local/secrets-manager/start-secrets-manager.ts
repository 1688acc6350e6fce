import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError } from "../cloud/aws-error.ts";
import { answerError, answerJson, readAwsJsonCall } from "../cloud/aws-json.ts";
import type { JsonObject } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { settle } from "../cloud-control/settle.ts";
import { accessKeyOf, type Hear } from "../heard-call.ts";
import { type HttpServer, listen } from "../http-server.ts";
import type { ReportFailure } from "../report-failures.ts";
import { operations, usable } from "./operations.ts";
import { rightTaken } from "./right-taken.ts";
import { beginRotation, type InvokeRotation, runRotation, tryRotation } from "./rotate-secret.ts";

export type SecretsManagerOptions = {
  store: Cloud;
  port?: number | undefined;
  report?: ReportFailure | undefined;
  /** Runs a secret's rotation function. Without it no secret can be rotated. */
  invoke?: InvokeRotation | undefined;
  hear?: Hear | undefined;
};

/** Secrets Manager as the real client speaks to it, over the secrets of this cloud, whoever made them. */
export async function startSecretsManager(options: SecretsManagerOptions): Promise<HttpServer> {
  const { port, report = console.error } = options;
  return listen(
    (request, response) => {
      serve({ ...options, report }, request, response).catch((error: unknown) => {
        report("secrets-manager", error);
        if (!response.headersSent) answerError(response, 500, "InternalServiceError", String(error));
      });
    },
    { port },
  );
}

type Service = SecretsManagerOptions & { report: ReportFailure };

async function serve(service: Service, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { store: cloud, hear } = service;
  const call = await readAwsJsonCall(request, response, "secretsmanager");
  if (call === undefined) return;
  const { operation, input } = call;
  hear?.({ caller: accessKeyOf(request), ...rightTaken(cloud, operation, input) });
  const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
  try {
    if (operation === "RotateSecret") return rotate(service, input, response);
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

/** Answers when the rotation has begun; its steps run by themselves. */
function rotate({ store: cloud, invoke, report }: Service, input: JsonObject, response: ServerResponse): void {
  if (invoke === undefined)
    throw new AwsError("AccessDeniedException", "Secrets Manager cannot invoke the specified Lambda function.");
  const { arn, name, again, ...begun } = cloud.transaction(() => {
    const { identifier, properties } = usable(cloud, input);
    return { arn: identifier, name: properties.Name, ...beginRotation(cloud, identifier, input) };
  });
  const run = input.RotateImmediately === false ? tryRotation : runRotation;
  void run(cloud, invoke, { arn, ...begun }).catch((error: unknown) => report("secrets-manager", error));
  if (again)
    throw new AwsError(
      "InvalidRequestException",
      "A previous rotation isn't complete. That rotation will be reattempted.",
    );
  answerJson(response, 200, { ARN: arn, Name: name, VersionId: begun.token }, "application/x-amz-json-1.1");
}
