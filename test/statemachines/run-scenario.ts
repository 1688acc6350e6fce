import { readFileSync } from "node:fs";
import { type RunOptions, StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { type MachineName, machines } from "../../functions/manifest.ts";
import { type Definition, prepareDefinition } from "../../local/step-functions/definition.ts";
import type { Scenario } from "./scenarios.ts";
import { told } from "./told.ts";

export function readDefinition(machine: MachineName): Definition {
  const file = new URL(`../../${machines[machine].definition}`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Definition;
}

/** Where a function hangs it is waited for this long instead: the longest timeout in a file is six minutes. */
export function limited(definition: Definition, answers: Scenario["answers"], seconds: number): Definition {
  const hastened = structuredClone(definition);
  const hanging = Object.entries(answers).filter(([, list]) => list.some((answer) => "hangs" in answer));
  for (const state of Object.values(hastened.States))
    if (hanging.some(([name]) => state.Resource === `\${${name}}`)) state.TimeoutSeconds = seconds;
  return hastened;
}

export type Seen = {
  states: string[];
  events: { name: string; event: unknown }[];
  end: { status: "SUCCEEDED" } | { status: "FAILED"; error: string };
};

/** Runs the definition as it ships on the interpreter that runs it here, with waits and pauses between retries left out. */
export async function runScenario({ machine, input, answers }: Scenario): Promise<Seen> {
  const arn = (name: string) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;
  const definition = prepareDefinition(machine, limited(readDefinition(machine), answers, 0.05), arn);
  const next = told(answers);
  const events: Seen["events"] = [];
  const names = Object.keys(definition.States);
  const handlers = Object.entries(definition.States).flatMap(([state, { Type, Resource = "" }]) => {
    const name = Resource.split(":").at(-1) ?? "";
    const run = async (event: unknown) => {
      events.push({ name, event: structuredClone(event) });
      const answer = next(name);
      if ("result" in answer) return answer.result;
      if ("error" in answer) throw Object.assign(new Error("as told"), { name: answer.error });
      return new Promise(() => {});
    };
    return Type === "Task" ? [[state, run] as const] : [];
  });
  const at = (milliseconds: number) => Object.fromEntries(names.map((name) => [name, milliseconds]));
  const execution = new StateMachine(definition as unknown as StateMachineDefinition, {
    validationOptions: { noValidate: true },
  }).run(
    structuredClone(input) as never,
    {
      overrides: {
        taskResourceLocalHandlers: Object.fromEntries(handlers),
        waitTimeOverrides: at(0),
        retryIntervalOverrides: at(0),
      },
    } as unknown as RunOptions,
  );
  const states: string[] = [];
  const counting = (async () => {
    for await (const event of execution.eventLogs) if (event.type === "StateEntered") states.push(event.state.name);
  })();
  const end = await execution.result.then(
    () => ({ status: "SUCCEEDED" as const }),
    (error: Error) => ({
      status: "FAILED" as const,
      error: error.cause instanceof Error ? error.cause.name : error.name,
    }),
  );
  await counting;
  return { states, events, end };
}
