import { type SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import type { Executions } from "../core/executions.ts";
import { log } from "./log.ts";

/** Starts state machines whose ARNs are a prefix and a fixed name, so that no function's template refers to a machine. */
export function startExecutions(client: SFNClient, arnPrefix: string): Executions {
  return {
    async start(machine, name, input) {
      try {
        await client.send(
          new StartExecutionCommand({ stateMachineArn: `${arnPrefix}${machine}`, name, input: JSON.stringify(input) }),
        );
        // Who asked is on the line as well: here a request, or another execution, becomes this one.
        log("info", "execution started", { machine, execution: name });
        return "started";
      } catch (error) {
        if ((error as Error).name === "ExecutionAlreadyExists") return "exists";
        throw error;
      }
    },
  };
}
