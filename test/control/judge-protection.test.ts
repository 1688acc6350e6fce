import { expect, test } from "vitest";
import { judge } from "../../control/judge.ts";
import type { Definition } from "../../core/definition.ts";
import type { OperationKind, OperationStatus } from "../../core/operation.ts";
import type { PolicyInput } from "../../core/policy.ts";
import type { ContextResource, IntentContext } from "../../core/store.ts";

type Case = {
  reason: string;
  protection: boolean;
  generation: number;
  identifier: string | null;
  operation: [OperationKind, OperationStatus];
  expected: boolean;
};

const lifted = { protection: false, generation: 2, identifier: "orders-db" } as const;

test.each<Case>([
  { reason: "lifted and READY", ...lifted, operation: ["apply", "SUCCEEDED"], expected: false },
  { reason: "a lift that waits", ...lifted, operation: ["apply", "PENDING"], expected: true },
  { reason: "a lift under way", ...lifted, operation: ["apply", "RUNNING"], expected: true },
  { reason: "a lift that failed", ...lifted, operation: ["apply", "FAILED"], expected: true },
  { reason: "its delete asked for again", ...lifted, operation: ["delete", "FAILED"], expected: false },
  { reason: "never protected, being made", ...lifted, generation: 1, operation: ["apply", "RUNNING"], expected: false },
  { reason: "never made", ...lifted, identifier: null, operation: ["apply", "FAILED"], expected: false },
  { reason: "protected", ...lifted, protection: true, operation: ["apply", "SUCCEEDED"], expected: true },
])("to a delete, $reason is protected: $expected", ({ protection, generation, identifier, operation, expected }) => {
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
  const [kind, status] = operation;
  const before: ContextResource = {
    id: "1",
    name: "db",
    type: "postgres",
    version: 1,
    status: "SYNCING",
    deleting: false,
    generation,
    identifier,
    definitionHash: "hash",
    definition,
    outputKeys: [],
    dependsOn: [],
    operation: { id: "2", kind, status },
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
