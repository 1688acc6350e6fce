import type { IncomingMessage, ServerResponse } from "node:http";
import { AwsError } from "../cloud/aws-error.ts";
import { answerError, answerJson, readAwsJsonCall } from "../cloud/aws-json.ts";
import type { JsonObject } from "../cloud/json.ts";
import { textOf } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { accessKeyOf, type Hear } from "../heard-call.ts";
import { type HttpServer, listen } from "../http-server.ts";
import type { ReportFailure } from "../report-failures.ts";
import { recordCall } from "./calls.ts";
import { checkMembers } from "./check-members.ts";
import { type Fault, readSettings, takeFault } from "./controls.ts";
import { operations } from "./operations.ts";
import { settle } from "./settle.ts";
import { serveSimulation } from "./simulation.ts";
import { tokenBucket } from "./token-bucket.ts";

export type CloudControlOptions = {
  store: Cloud;
  port?: number | undefined;
  report?: ReportFailure | undefined;
  hear?: Hear | undefined;
};

/** Cloud Control as the real `@aws-sdk/client-cloudcontrol` speaks to it, and `/_sim/` for tests. */
export async function startCloudControl(options: CloudControlOptions): Promise<HttpServer> {
  const { store: cloud, port, report = console.error, hear } = options;
  const takeToken = tokenBucket(cloud.now);
  return listen(
    (request, response) => {
      serve(cloud, takeToken, hear, request, response).catch((error: unknown) => {
        report("cloud-control", error);
        if (!response.headersSent) answerError(response, 500, "ServiceInternalErrorException", String(error));
      });
    },
    { port },
  );
}

async function serve(
  cloud: Cloud,
  takeToken: ReturnType<typeof tokenBucket>,
  hear: Hear | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://cloud");
  if (url.pathname.startsWith("/_sim/")) return serveSimulation(cloud, request, response, url);
  const call = await readAwsJsonCall(request, response, "CloudApiService");
  if (call === undefined) return;
  const { operation, input } = call;
  const action = `cloudformation:${operation}`;
  hear?.({ caller: accessKeyOf(request), action, resource: "*", context: {}, typeName: textOf(input.TypeName) });
  let fault: Fault | undefined;
  let output: JsonObject = {};
  try {
    fault = takeFault(cloud, operation, textOf(input.TypeName));
    const strikesCall = fault?.stage === "call";
    if (strikesCall && fault !== undefined && fault.delayMs > 0) await sleep(fault.delayMs);
    if (strikesCall && fault?.when === "before") strike(fault);
    const settings = readSettings(cloud);
    if (!takeToken(settings.requestsPerSecond, settings.burst)) {
      throw new AwsError("ThrottlingException", "Rate exceeded");
    }
    settle(cloud);
    const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
    if (run === undefined) throw new AwsError("UnknownOperationException", `${operation} is no operation`);
    checkMembers(input);
    output = await run({ cloud, settings, input, handlerFault: strikesCall ? undefined : fault });
    if (strikesCall && fault?.when === "after") strike(fault);
    recordCall(cloud, operation, input, output, "ok");
    answerJson(response, 200, output, "application/x-amz-json-1.0");
  } catch (error) {
    if (!(error instanceof AwsError) && !(error instanceof Lost)) throw error;
    recordCall(cloud, operation, input, output, error.name);
    if (error instanceof AwsError) answerError(response, error.status, error.name, error.message);
    // Hanging is doing nothing: the connection stays open until the caller, or `close`, gives it up.
    else if (error.name === "drop") request.socket.destroy();
  }
}

/** No answer at all. */
class Lost extends Error {
  override readonly name: "hang" | "drop";
  constructor(how: "hang" | "drop") {
    super(how);
    this.name = how;
  }
}

function strike(fault: Fault): void {
  if (fault.hang) throw new Lost("hang");
  if (fault.drop) throw new Lost("drop");
  const server = /Internal|Unavailable|NetworkFailure/.test(fault.error ?? "");
  if (fault.error !== undefined) throw new AwsError(fault.error, "a fault that was asked for", server ? 500 : 400);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
