import { development } from "./development.ts";
import { production } from "./production.ts";
import { parseStage, type Stage } from "./stage.ts";
import { UnusableStage, unusable } from "./unusable-stage.ts";

const listed: { readonly [name: string]: Stage } = { development, production };

/**
 * The stage that `cdk … -c stage=NAME` names; `development` when none is named.
 *
 * @throws {UnusableStage} when there is no such stage, or its file cannot be used
 */
export function readStage(name: unknown = "development", stages = listed): Stage {
  const stage = typeof name === "string" && Object.hasOwn(stages, name) ? stages[name] : undefined;
  if (stage === undefined)
    throw new UnusableStage(
      `-c stage=${String(name)}: no such stage, infra/stages/read-stage.ts lists ${Object.keys(stages).join(", ")}`,
    );
  const file = `infra/stages/${name}.ts`;
  const parsed = parseStage(file, stage);
  // Another name is another Cairn, and an empty one.
  if (parsed.name !== name) throw unusable(file, [`name: must be ${JSON.stringify(name)}, as the stage is listed`]);
  return parsed;
}
