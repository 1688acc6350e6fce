import { sdkError } from "../providers/sdk-error.ts";
import { type Fields, log } from "./log.ts";
import { measurement } from "./metrics.ts";

type Next = (request: never) => Promise<{ output: object }>;
/** `never` is what every client's own types agree with: what goes in and comes out is passed on as it is. */
type Middleware = (next: Next, context: { commandName?: string }) => (request: { input: object }) => Promise<never>;
type Client = { middlewareStack: { add(middleware: Middleware, options: { step: "initialize" }): void } };

/**
 * One line for each call that a client makes of a provider: who was asked for what, under which token, and how it ended. The
 * service's own request id is what AWS's support asks for. Nothing else of the input or the output is written: they hold values.
 */
export function loggedCalls<Of extends Client>(client: Of, stage: string): Of {
  client.middlewareStack.add(
    (next, { commandName }) =>
      async (request) => {
        const started = performance.now();
        const said = (outcome: string, kind: string, output: Output) => {
          const milliseconds = Math.round(performance.now() - started);
          log("info", "provider call", {
            call: commandName?.replace(/Command$/, ""),
            outcome,
            ...tokensOf(request.input, output),
            ...measurement(stage, {
              ProviderCalls: [1, "Count"],
              ProviderThrottles: [kind === "throttled" ? 1 : 0, "Count"],
              ProviderFailures: [kind === "lost" ? 1 : 0, "Count"],
              ProviderLatency: [milliseconds, "Milliseconds"],
            }),
          });
        };
        try {
          const result = await next(request as never);
          said("ok", "ok", result.output);
          return result as never;
        } catch (thrown) {
          const { name, $metadata } = thrown as Error & Output;
          said(name, kindOf(thrown), { $metadata });
          throw thrown;
        }
      },
    { step: "initialize" },
  );
  return client;
}

type Output = {
  $metadata?: { requestId?: string | undefined } | undefined;
  ProgressEvent?: { RequestToken?: string | undefined; OperationStatus?: string | undefined } | undefined;
};

/** Of Cloud Control: the token that a change was asked for under, and the handle of the request that it became. */
function tokensOf(input: { ClientToken?: string; RequestToken?: string }, output: Output): Fields {
  return {
    clientToken: input.ClientToken,
    requestToken: output.ProgressEvent?.RequestToken ?? input.RequestToken,
    status: output.ProgressEvent?.OperationStatus,
    awsRequest: output.$metadata?.requestId,
  };
}

function kindOf(thrown: unknown): string {
  try {
    return sdkError(thrown).kind;
  } catch {
    return "fault";
  }
}
