import middy from "@middy/core";
import { z } from "zod";
import { whereThrown } from "../core/where-thrown.ts";
import { invocation } from "./invocation.ts";
import { alsoLog, log } from "./log.ts";
import type { FunctionName } from "./manifest.ts";

/**
 * A state machine's task or a rule's target: parses its input once, and logs an error's name and place before it goes on.
 * What it works on is on every line: an operation with its epoch, which together are the execution's name, or a drift run.
 */
export function task<Schema extends z.ZodType, Output>(
  name: FunctionName,
  input: Schema,
  run: (input: z.infer<Schema>) => Promise<Output>,
) {
  const handler = middy()
    .use({
      onError: ({ error }) => {
        if (error instanceof ExpectedEnd) log("info", `${name} ended`, { error: error.name });
        else log("error", `${name} failed`, { error: error?.name, at: whereThrown(error) });
      },
    })
    .handler((event: unknown) => {
      const parsed = input.parse(event);
      alsoLog(subject.safeParse(parsed).data ?? {});
      return run(parsed);
    });
  return invocation(name, (event: unknown, context) => handler(event, context as never) as Promise<Output>);
}

/** Thrown to end an execution that is in good order: the state machine catches it by its name, and it is no error's line. */
export abstract class ExpectedEnd extends Error {}

/** What an execution carries. */
export const operationRef = z.object({ team: z.string(), operation: z.uuid(), epoch: z.int() });

const subject = z.object({ ...operationRef.shape, run: z.uuid() }).partial();
