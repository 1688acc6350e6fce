import { Stack, Validations } from "aws-cdk-lib";
import { flattenCfnReference } from "cdk-nag/lib/utils/flatten-cfn-reference.js";
import type { IConstruct } from "constructs";

/** Findings of cdk-nag's AwsSolutions that stand, by rule, each with the reason: on the construct and what is in it. */
export function acknowledge(construct: IConstruct, findings: { readonly [rule: string]: string }): void {
  const acknowledged = Object.entries(findings).map(([rule, reason]) => ({ id: `AwsSolutions-${rule}`, reason }));
  Validations.of(construct).acknowledge(...acknowledged);
}

/** The rule about wildcards has a finding for each resource, named as cdk-nag prints it. */
export function acknowledgeResources(construct: IConstruct, arns: readonly string[], reason: string): void {
  const printed = arns.map((arn) => flattenCfnReference(Stack.of(construct).resolve(arn)));
  acknowledge(construct, Object.fromEntries(printed.map((arn) => [`IAM5[Resource::${arn}]`, reason])));
}
