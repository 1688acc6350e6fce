import { type Context, findExecution, seconds } from "./context.ts";
import type { HistoryEvent } from "./history.ts";
import { readToken, writeToken } from "./page-token.ts";
import { optionalFlag, pageSize, type Request } from "./request.ts";

/** From the first event to the last, or the other way round; while it runs, as far as it has come. */
export function getExecutionHistory(context: Context, request: Request): object {
  const { store, now } = context;
  const { id } = findExecution(context, request);
  const reverse = optionalFlag(request, "reverseOrder") ?? false;
  const withData = optionalFlag(request, "includeExecutionData") ?? true;
  const limit = pageSize(request);
  const after = readToken("GetExecutionHistory", request, now()) ?? null;
  const found = store.history({ execution: id, after, reverse, limit: limit + 1 });
  const page = found.slice(0, limit);
  const last = page.at(-1);
  return {
    events: page.map((event) => answer(event, withData)),
    ...(found.length > limit && last !== undefined
      ? { nextToken: writeToken("GetExecutionHistory", request, last.id, now()) }
      : {}),
  };
}

function answer({ timestamp, details, ...event }: HistoryEvent, withData: boolean): object {
  const shown = withData ? details : Object.fromEntries(Object.entries(details).map(([name, of]) => [name, bare(of)]));
  return { ...event, timestamp: seconds(timestamp), ...shown };
}

function bare({ input, inputDetails, output, outputDetails, ...others }: { [field: string]: unknown }): object {
  return others;
}
