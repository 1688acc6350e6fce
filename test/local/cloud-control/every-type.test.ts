import { describe, expect, test } from "vitest";
import type { AwsSchema } from "../../../aws-schemas/aws-schema.ts";
import { openSchemas, readSchema } from "../../../aws-schemas/read-schema.ts";
import { primaryIdentifierOf } from "../../../aws-schemas/resource-model.ts";
import { madeProperties } from "../../../local/cloud-control/made-properties.ts";

const making = { region: "eu-west-1", accountId: "123456789012", at: 1_800_000_000_000, seed: "one" };
const schemas = openSchemas()
  .typeNames()
  .map(readSchema)
  .filter((schema): schema is AwsSchema => schema !== undefined);

describe("every type of AWS", () => {
  test("whose identifier the service makes gets one, another one for another object", () => {
    const readOnlyIdentified = schemas.filter(({ primaryIdentifier, readOnlyProperties = [] }) =>
      primaryIdentifier.every((pointer) => readOnlyProperties.includes(pointer)),
    );
    expect(readOnlyIdentified.length).toBeGreaterThan(500);
    for (const schema of readOnlyIdentified) {
      const one = primaryIdentifierOf(schema, madeProperties(schema, {}, making));
      const other = primaryIdentifierOf(schema, madeProperties(schema, {}, { ...making, seed: "other" }));
      expect(one, schema.typeName).toBeDefined();
      // An account has one of this, named after its kind.
      if (schema.typeName !== "AWS::DevOpsGuru::ResourceCollection") expect(one, schema.typeName).not.toBe(other);
    }
  });
});
