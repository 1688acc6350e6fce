import type { Grant, Place } from "./grant.ts";

// What the providers' own code asks, beside what AWS asks on its behalf. test/infra/target-permissions.test.ts holds both lists
// to the SDK commands in providers/.

/** Cloud Control, which acts with its caller's rights: the rest of the role decides what it comes to. */
export const awsProviderGrants: { readonly [use in "change" | "look"]: readonly Grant[] } = {
  change: cloudControl("CreateResource", "DeleteResource", "GetResource", "ListResourceRequests", "UpdateResource"),
  look: cloudControl("GetResource", "GetResourceRequestStatus", "ListResources"),
};

function cloudControl(...calls: string[]): Grant[] {
  const actions = calls.map((call) => `cloudformation:${call}`);
  return [{ actions, resources: ["*"], reason: "AWS takes no narrower resource for Cloud Control" }];
}

const bearsMark = { StringLike: { "aws:ResourceTag/cairn:resource-id": "?*" } };
const givesMark = { StringLike: { "aws:RequestTag/cairn:resource-id": "?*" } };

/** For who asks a cluster that was made with the target where it is (functions/stage-targets.ts): AWS's handler looks at it. */
export function locateGrants(clusterArn: string): Grant[] {
  return [...cloudControl("GetResource"), { actions: ["rds:DescribeDBClusters"], resources: [clusterArn], reason: "" }];
}

/**
 * The shared cluster through the Data API as its admin, which is one login for looking and changing; and the secret of each
 * tenant's role, of which a look asks what it is and never what it holds.
 */
export function postgresProviderGrants(
  { partition, region, account }: Place,
  clusterArn: string,
  adminSecretArn: string,
): { readonly [use in "change" | "look"]: readonly Grant[] } {
  const secrets = `arn:${partition}:secretsmanager:${region}:${account}:secret:`;
  // Secrets Manager puts six characters of its own behind a secret's name, once it is there.
  const made = [`${secrets}*_*_????????-??????`];
  const resources = [`${secrets}*_*_????????`, ...made];
  const reason = "any service's and resource's name, then eight characters of Cairn's";
  const on = (...calls: string[]) => calls.map((call) => `secretsmanager:${call}`);
  const look = [
    { actions: ["rds-data:ExecuteStatement"], resources: [clusterArn], reason: "" },
    { actions: on("GetSecretValue"), resources: [adminSecretArn], reason: "" },
    { actions: on("DescribeSecret"), resources, reason: `${reason}, with Cairn's mark or without` },
  ];
  const change = [
    ...look,
    { actions: on("CreateSecret", "TagResource"), resources, conditions: givesMark, reason },
    { actions: on("GetSecretValue", "RestoreSecret", "DeleteSecret"), resources: made, conditions: bearsMark, reason },
  ];
  return { change, look };
}
