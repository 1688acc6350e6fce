import type { InvokeResult } from "../../local/lambda/errors.ts";
import type { Lambda } from "../../local/lambda/lambda.ts";
import type { Answer } from "../statemachines/scenarios.ts";
import { told } from "../statemachines/told.ts";

export type ScriptedLambda = Pick<Lambda, "invoke" | "find"> & {
  calls: { name: string; payload: unknown }[];
  /** Lets every call that hangs return. */
  release(): void;
};

/** Functions that do as told. An error whose name begins with `Lambda.` is Lambda's own refusal, any other the function's. */
export function scriptedLambda(answers: { readonly [name: string]: readonly Answer[] }): ScriptedLambda {
  const next = told(answers);
  const calls: ScriptedLambda["calls"] = [];
  let hanging: (() => void)[] = [];
  return { invoke, find, calls, release };

  async function invoke(nameOrArn: string, payload: unknown): Promise<InvokeResult> {
    const name = plain(nameOrArn);
    calls.push({ name, payload });
    const answer = next(name);
    if ("result" in answer) return { ok: true, payload: answer.result };
    if ("error" in answer) return failure(answer.error);
    await new Promise<void>((resolve) => hanging.push(resolve));
    return { ok: true, payload: "late" };
  }

  function find(nameOrArn: string): string | undefined {
    return Object.hasOwn(answers, plain(nameOrArn)) ? nameOrArn : undefined;
  }

  function release(): void {
    for (const resolve of hanging) resolve();
    hanging = [];
  }
}

function failure(error: string): InvokeResult {
  const by = error.startsWith("Lambda.") ? "service" : "function";
  return {
    ok: false,
    by,
    requestId: "told",
    error: { errorType: error.replace(/^Lambda\./, ""), errorMessage: "as told" },
  };
}

function plain(nameOrArn: string): string {
  return nameOrArn.split(":").at(-1) ?? "";
}
