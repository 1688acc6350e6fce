import type { ResolveInput, ResourceRequest } from "../../core/definition.ts";
import type { JsonObject } from "../../core/json.ts";

/** A platform team's configuration of one environment, complete. */
export const targets: { aws: JsonObject; postgres: JsonObject } = {
  aws: {
    region: "eu-central-1",
    accountId: "111122223333",
    kafkaClusterArn: "arn:aws:kafka:eu-central-1:111122223333:cluster/shared/0b5ba4ba-2bd1-4a7c-8a5b-3f3f2f3b8f3f-2",
    dbSubnetGroupName: "cairn",
    securityGroupIds: ["sg-0123456789abcdef0"],
    cacheSecurityGroupIds: ["sg-0123456789abcdef1"],
    subnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    kmsKeyId: "arn:aws:kms:eu-central-1:111122223333:key/0f5ba4ba-2bd1-4a7c-8a5b-3f3f2f3b8f3f",
  },
  postgres: {
    region: "eu-central-1",
    clusterArn: "arn:aws:rds:eu-central-1:111122223333:cluster:shared",
    adminSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin-AbCdEf",
    host: "db.internal",
    port: 5432,
    database: "postgres",
  },
};

export function inputFor(request: ResourceRequest, more: Partial<ResolveInput> = {}): ResolveInput {
  return {
    pointer: "/resources/it",
    request,
    resourceId: "01938a2e-5b7c-7c3d-8e4f-0123456789ab",
    team: "payments",
    service: "orders",
    environment: more.tier ?? "staging",
    tier: "staging",
    name: "it",
    targets,
    ...more,
  };
}
