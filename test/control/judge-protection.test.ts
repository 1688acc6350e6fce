import { expect, test } from "vitest";
import { judge } from "../../control/judge.ts";
import type { Definition } from "../../core/definition.ts";
import type { PolicyInput } from "../../core/policy.ts";
import type { ContextResource, IntentContext } from "../../core/store.ts";

test.each([
  { reason: "protected", protection: true, heldOutside: false, expected: true },
  { reason: "lifted, but not at its provider yet", protection: false, heldOutside: true, expected: true },
  { reason: "not protected anywhere", protection: false, heldOutside: false, expected: false },
])("to a delete, what is $reason is protected: $expected", ({ protection, heldOutside, expected }) => {
  const definition: Definition = {
    type: "postgres",
    version: 1,
    class: "small",
    parameters: { deletionProtection: protection },
    overrides: null,
    provider: "aws",
    kind: "AWS::RDS::DBInstance",
    properties: { DeletionProtection: protection },
    externalName: "orders-db",
    outputs: {},
    protected: protection,
    monthlyPrice: null,
  };
  const before: ContextResource = {
    id: "1",
    name: "db",
    type: "postgres",
    version: 1,
    status: "READY",
    deleting: false,
    generation: 2,
    identifier: "orders-db",
    definitionHash: "hash",
    definition,
    outputKeys: [],
    heldOutside,
    dependsOn: [],
    operation: { id: "2", kind: "apply", status: "SUCCEEDED" },
  };
  const seen: PolicyInput[] = [];
  const policy = {
    revision: "1",
    wasmHash: "1",
    evaluate: (input: PolicyInput) => {
      seen.push(input);
      return { allow: true, violations: [], warnings: [], inputHash: "1" };
    },
  };
  const context: IntentContext = {
    team: { contact: null },
    environment: { tier: "production" },
    targets: {},
    version: 1,
    key: null,
    resources: [before],
  };
  judge(
    { policy, now: () => 1 },
    { subject: "ada", role: "developer", team: "payments" },
    { action: "delete", team: "payments", service: "orders", environment: "production", resources: ["db"] },
    context,
    [{ id: "1", name: "db", change: "delete", before, definition, hash: "hash", dependsOn: [] }],
  );
  expect(seen.map(({ resource }) => resource.protected)).toEqual([expected]);
});
