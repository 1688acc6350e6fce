import { CfnResource, type IAspect } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

export type LeftOut = { type: string; why: string };

/** What the app has and the emulator does not: taken out of the synthesized app by this test, never by a switch in the product. */
export const leftOut: readonly LeftOut[] = [
  {
    type: "AWS::SecretsManager::RotationSchedule",
    why: "MiniStack refuses a template that has one: Unrecognized resource types",
  },
];

/** Takes resources of these types out of the app. */
export class LeaveOut implements IAspect {
  readonly #types: ReadonlySet<string>;

  constructor(what: readonly LeftOut[]) {
    this.#types = new Set(what.map(({ type }) => type));
  }

  visit(node: IConstruct): void {
    if (CfnResource.isCfnResource(node) && this.#types.has(node.cfnResourceType))
      node.node.scope?.node.tryRemoveChild(node.node.id);
  }
}
