import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Tier } from "../../../core/definition.ts";
import type { JsonObject } from "../../../core/json.ts";
import { render } from "../../../core/template.ts";
import { awsKindSchemas } from "../../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../../golden-paths/load-golden-paths.ts";
import { afresh } from "../contract.ts";
import { converge } from "../converge.ts";
import { type AwsStage, startAwsStage } from "./stage.ts";

const paths = loadGoldenPaths(new URL("../../../golden-paths/", import.meta.url), awsKindSchemas());
const target = {
  account: "000000000000",
  region: "eu-west-1",
  subnetIds: ["subnet-1", "subnet-2"],
  securityGroupIds: ["sg-1"],
  cacheSecurityGroupIds: ["sg-2"],
  dbSubnetGroupName: "databases",
  kafkaClusterArn: "arn:aws:kafka:eu-west-1:000000000000:cluster/shared/0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0-1",
};
const rows: { type: string; tier: Tier; parameters?: JsonObject }[] = [
  { type: "bucket", tier: "production" },
  { type: "queue", tier: "staging" },
  { type: "redis", tier: "staging" },
  { type: "secret", tier: "staging" },
  { type: "topic", tier: "staging" },
  { type: "parameter", tier: "staging", parameters: { value: "v", description: "what it is" } },
  { type: "postgres", tier: "production" },
];

describe("what the golden paths ask for", () => {
  let stage: AwsStage;
  beforeAll(async () => {
    stage = await startAwsStage();
  });
  afterAll(() => stage.stop());

  test.each(rows)(
    "$type in $tier comes up, shows no phantom drift, fills its outputs and goes",
    async ({ type, tier, parameters }) => {
      const resourceId = randomUUID();
      const owner = { team: "payments", service: "orders", environment: "staging", name: type };
      const targets = { aws: target, postgres: target };
      const resolved = paths.resolve({
        ...owner,
        pointer: "/resources/it",
        request: { type, parameters },
        resourceId,
        tier,
        targets,
      });
      if (!resolved.ok) throw new Error(JSON.stringify(resolved.errors));
      const { kind, properties: desired, externalName, outputs } = resolved.definition;
      const start = { ...stage.newCall(), ...owner, resourceId, kind, desired, externalName, target };

      const { call, last } = await converge(stage.provider, start, "ready");
      const seen = await stage.provider.observe(afresh(call));
      expect(seen).toEqual(last);
      const attributes = seen.state === "ready" ? seen.attributes : {};
      expect(JSON.stringify(render(outputs, { attributes }))).not.toContain("${");
      const protectedOnes = desired.DeletionProtection === true;
      if (!protectedOnes)
        expect((await converge(stage.provider, afresh(call), "absent")).last).toEqual({ state: "absent" });
    },
  );
});
