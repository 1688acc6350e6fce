import { type Fields, logging } from "./log.ts";
import type { FunctionName } from "./manifest.ts";

type Handler<Event, Result> = (event: Event, context: { awsRequestId: string }) => Promise<Result>;

/** A handler whose every line says which function wrote it, in which of its invocations, and for whom. */
export function invocation<Event, Result>(
  name: FunctionName,
  handler: Handler<Event, Result>,
  idsOf: (event: Event) => Fields = () => ({}),
): Handler<Event, Result> {
  return (event, context) =>
    logging({ function: name, invocation: context.awsRequestId, ...idsOf(event) }, () => handler(event, context));
}
