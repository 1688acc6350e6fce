import type { Definition, ResourceRequest, Tier } from "../../core/definition.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import type { PolicyInput } from "../../core/policy.ts";
import { withReferencesMarked } from "../../core/reference.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { policyInput } from "./policy-input.ts";

// Inputs as the API makes them: a request, resolved by the golden paths that ship.

export const goldenPaths = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas());

/** The intent of the design, with a secret so that every type that ships is in it. */
export const exampleResources: { [name: string]: ResourceRequest } = {
  db: { type: "postgres", class: "small" },
  cache: { type: "redis", class: "small" },
  events: { type: "topic", parameters: { partitions: 6 } },
  files: { type: "bucket", overrides: { VersioningConfiguration: { Status: "Enabled" } } },
  jobs: { type: "queue" },
  "api-key": { type: "secret" },
  "db-url": { type: "parameter", parameters: { value: "${resources.db.outputs.url}" } },
};

const targets = {
  aws: {
    region: "eu-central-1",
    dbSubnetGroupName: "databases",
    securityGroupIds: ["sg-0123456789abcdef0"],
    cacheSecurityGroupIds: ["sg-0123456789abcdef0"],
    subnetIds: ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    kafkaClusterArn: "arn:aws:kafka:eu-central-1:111122223333:cluster/shared/0a1b2c3d-1111-2222-3333-444455556666-1",
  },
  postgres: {
    region: "eu-central-1",
    clusterArn: "arn:aws:rds:eu-central-1:111122223333:cluster:shared",
    adminSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin-AbCdEf",
    host: "shared.example",
    port: 5432,
    database: "postgres",
  },
};

export function resolvedInput(request: ResourceRequest, tier: Tier, contact: string | null = "payments"): PolicyInput {
  return seenByPolicy(resolved(request, tier), tier, contact);
}

function resolved(request: ResourceRequest, tier: Tier): Definition {
  const result = goldenPaths.resolve({
    pointer: "/resources/it",
    request,
    resourceId: "0199a0b1-0000-7000-8000-0123456789ab",
    team: "payments",
    service: "orders",
    environment: tier,
    tier,
    name: "it",
    targets,
  });
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.definition;
}

function seenByPolicy(definition: Definition, tier: Tier, contact: string | null): PolicyInput {
  const { type, version, class: className, provider, kind, overrides } = definition;
  return policyInput(
    {
      type,
      version,
      class: className,
      provider,
      kind,
      region: provider === "aws" ? targets.aws.region : targets.postgres.region,
      parameters: marked(definition.parameters),
      overrides: overrides === null ? null : marked(overrides),
      properties: marked(definition.properties),
      protected: definition.protected,
    },
    { tier, contact },
  );
}

function marked(value: Json): JsonObject {
  const object = withReferencesMarked(value);
  if (!isObject(object)) throw new Error("an object stays one");
  return object;
}
