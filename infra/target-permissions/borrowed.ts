import type { Grant, Place } from "./grant.ts";
import { arnsAt, type IamAction } from "./iam-action.ts";

type Asking = { service: string; actions: readonly IamAction[] };

/** What a kind's handler asks of another service, or of another type of its own: only for the kind's sake, where IAM can tell. */
export function borrowed(action: IamAction, kind: Asking, kinds: readonly Asking[], place: Place): Grant[] {
  const { name, service, resourceTypes } = action;
  const actions = [name];
  const asking = kinds.filter((other) => other.actions.some((its) => its.name === name)).map((other) => other.service);

  if (service === "iam") {
    const resources = [`arn:${place.partition}:iam::${place.account}:role/aws-service-role/*`];
    const conditions = { StringEquals: { "iam:AWSServiceName": asking.map((from) => `${from}.amazonaws.com`) } };
    return [{ actions, resources, conditions, reason: "AWS names its service-linked roles itself" }];
  }
  if (service === "kms") {
    const through = { "kms:ViaService": asking.map((from) => `${from}.${place.region}.amazonaws.com`) };
    const forAws = { Bool: { "kms:GrantIsForAWSResource": "true" } };
    return [
      {
        actions,
        resources: resourceTypes.flatMap((type) => arnsAt(type, place, "*")),
        conditions: { StringEquals: through, ...(name === "kms:CreateGrant" ? forAws : {}) },
        reason: "any key of the account that a service uses for an object; with the target's kmsKeyId, that one",
      },
    ];
  }
  if (name === "ec2:CreateTags") {
    const endpoints = resourceTypes.filter((type) => type.name === "vpc-endpoint");
    const conditions = { StringEquals: { "ec2:CreateAction": "CreateVpcEndpoint" } };
    const resources = endpoints.flatMap((type) => arnsAt(type, place, "*"));
    return [
      { actions, resources, conditions, reason: "a cache's endpoint is tagged in the making; AWS chooses its id" },
    ];
  }
  if (service === "secretsmanager" && kind.service === "rds") {
    const resources = resourceTypes.flatMap((type) => arnsAt(type, place, "rds!*"));
    return [{ actions, resources, reason: "RDS names the secret of a database's master user itself" }];
  }
  const resources = resourceTypes.flatMap((type) => arnsAt(type, place, "*"));
  return [{ actions, resources, reason: "what an object is made in is the platform team's, under any name" }];
}
