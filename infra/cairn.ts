import { Annotations, type App, Tags } from "aws-cdk-lib";
import type { CairnOptions } from "./cairn-options.ts";
import { ControlStack } from "./control-stack.ts";
import { doubtsAbout } from "./stages/doubts.ts";
import { StoreStack } from "./store-stack.ts";
import { TargetStack } from "./target-stack.ts";

export type Cairn = { store: StoreStack; control: ControlStack; targets: readonly TargetStack[] };

/** What holds data, what can be torn down and rebuilt, and what each target's account needs are stacks of their own. */
export function addCairn(app: App, { stage, root, bundles, kinds }: CairnOptions): Cairn {
  app.node.setContext("@aws-cdk/aws-iam:minimizePolicies", true);
  // The store cannot be taken away under what uses it.
  app.node.setContext("@aws-cdk/core:defaultCrossStackReferences", "strong");
  const store = new StoreStack(app, `CairnStore-${stage.name}`, { stage });
  const targets = stage.targets.map(
    (target) => new TargetStack(app, `CairnTarget-${stage.name}-${target.name}`, { stage, target, kinds }),
  );
  const control = new ControlStack(app, `CairnControl-${stage.name}`, { stage, root, bundles, store: store.store });
  // The migrations take on each target's role to ask where its cluster is: it has to be there first.
  for (const target of targets) control.addStackDependency(target);
  for (const [key, doubt] of doubtsAbout(stage))
    Annotations.of(control).addWarningV2(`cairn:${key}`, `infra/stages/${stage.name}.ts, ${key}: ${doubt}`);
  Tags.of(app).add("cairn:stage", stage.name);
  return { store, control, targets };
}
