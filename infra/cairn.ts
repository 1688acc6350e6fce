import { type App, Tags } from "aws-cdk-lib";
import type { CairnOptions } from "./cairn-options.ts";
import { ControlStack } from "./control-stack.ts";
import { StoreStack } from "./store-stack.ts";

/** What holds data and what can be torn down and rebuilt are stacks of their own, in any account and region. */
export function addCairn(
  app: App,
  { stage, root, bundles }: CairnOptions,
): { store: StoreStack; control: ControlStack } {
  app.node.setContext("@aws-cdk/aws-iam:minimizePolicies", true);
  const store = new StoreStack(app, `CairnStore-${stage.name}`, { stage });
  const control = new ControlStack(app, `CairnControl-${stage.name}`, { stage, root, bundles, store: store.store });
  Tags.of(app).add("cairn:stage", stage.name);
  return { store, control };
}
