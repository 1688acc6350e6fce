import middy from "@middy/core";
import { z } from "zod";
import { log } from "./log.ts";

/** A state machine's task or a rule's target: parses its input once, and logs an error with its name before it goes on. */
export function task<Schema extends z.ZodType, Output>(
  name: string,
  input: Schema,
  run: (input: z.infer<Schema>) => Promise<Output>,
) {
  return middy()
    .use({
      onError: ({ error }) => {
        log("error", `${name} failed`, { error: error?.name, cause: error?.message?.slice(0, 300) });
      },
    })
    .handler((event: unknown) => run(input.parse(event)));
}

/** What an execution carries. */
export const operationRef = z.object({ team: z.string(), operation: z.uuid(), epoch: z.int() });
