import { development } from "./development.ts";
import { production } from "./production.ts";
import { parseStage, type Stage } from "./stage.ts";

const stages: { readonly [name: string]: Stage } = { development, production };

/**
 * The stage that `cdk … -c stage=NAME` names; `development` when none is named.
 *
 * @throws {Error} when there is no such stage, or its file cannot be used
 */
export function readStage(name: unknown = "development"): Stage {
  const stage = typeof name === "string" && Object.hasOwn(stages, name) ? stages[name] : undefined;
  if (stage === undefined)
    throw new Error(`-c stage=${String(name)}: no such stage, infra/stages/ has ${Object.keys(stages).join(", ")}`);
  return parseStage(`infra/stages/${name}.ts`, stage);
}
