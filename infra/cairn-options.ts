import type { Function as LambdaFunction } from "aws-cdk-lib/aws-lambda";
import type { FunctionName } from "../functions/manifest.ts";
import type { Stage } from "./stages/stage.ts";
import type { Kind } from "./target-permissions/derive-grants.ts";

export type CairnOptions = {
  stage: Stage;
  /** The repository, where the state machines' definitions lie. */
  root: string;
  /** Each function's folder, ready to be uploaded. */
  bundles: { readonly [name in FunctionName]: string };
  /** What the golden paths need of a target's account. */
  kinds: readonly Kind[];
};

export type Handlers = { readonly [name in FunctionName]: LambdaFunction };
