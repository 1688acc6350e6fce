import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Kind } from "./derive-grants.ts";
import type { Grant, Place } from "./grant.ts";
import { awsProviderGrants } from "./provider-calls.ts";

/**
 * The ceiling of a target's role, whatever policy somebody hangs on it: the services of the golden paths' own kinds, and of
 * others only the single actions those kinds ask for. So no IAM but service-linked roles, no organization, no billing, no
 * role to go on to; nothing in another region; and nobody takes Cairn's mark from an object.
 */
export function boundary(kinds: readonly Kind[], place: Place): PolicyStatement[] {
  const services = [...new Set(kinds.map(({ service }) => service))].sort();
  const others = kinds
    .flatMap(({ actions }) => actions)
    .filter(({ service }) => !services.includes(service))
    .map(({ name }) => name);
  const untagging = kinds
    .flatMap(({ actions }) => actions)
    .filter(({ name, tagging }) => tagging && /:(Untag|Remove)/.test(name))
    .map(({ name }) => name);
  const own = awsProviderGrants.change.flatMap(({ actions }) => actions);
  return [
    new PolicyStatement({
      actions: [...services.map((service) => `${service}:*`), ...unique([...others, ...own])],
      resources: ["*"],
    }),
    onlyIn(place),
    new PolicyStatement({
      effect: Effect.DENY,
      actions: unique(untagging),
      resources: ["*"],
      conditions: { "ForAnyValue:StringLike": { "aws:TagKeys": "cairn:*" } },
    }),
  ];
}

/** The ceiling of a role that needs no more than it is granted: that, and nothing in another region. */
export function exactly(grants: readonly Grant[], place: Place): PolicyStatement[] {
  const actions = unique(grants.flatMap((grant) => grant.actions));
  return [new PolicyStatement({ actions, resources: ["*"] }), onlyIn(place)];
}

function onlyIn({ region }: Place): PolicyStatement {
  return new PolicyStatement({
    effect: Effect.DENY,
    notActions: ["iam:CreateServiceLinkedRole"], // of no region
    resources: ["*"],
    conditions: { StringNotEquals: { "aws:RequestedRegion": region } },
  });
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)].sort();
}
