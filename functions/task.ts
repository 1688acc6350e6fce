import middy from "@middy/core";
import { z } from "zod";
import { whereThrown } from "../core/where-thrown.ts";
import { log } from "./log.ts";

/** A state machine's task or a rule's target: parses its input once, and logs an error's name and place before it goes on. */
export function task<Schema extends z.ZodType, Output>(
  name: string,
  input: Schema,
  run: (input: z.infer<Schema>) => Promise<Output>,
) {
  return middy()
    .use({
      onError: ({ error }) => {
        log("error", `${name} failed`, { error: error?.name, at: whereThrown(error) });
      },
    })
    .handler((event: unknown) => run(input.parse(event)));
}

/** What an execution carries. */
export const operationRef = z.object({ team: z.string(), operation: z.uuid(), epoch: z.int() });
