import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import type { Json, JsonObject } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { GoldenPathError } from "../../golden-paths/golden-path-error.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { inputFor } from "./inputs.ts";
import { tableGoldenPath } from "./table-golden-path.ts";

const shipped = fileURLToPath(new URL("../../golden-paths/", import.meta.url));
let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "cairn golden paths "));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: string | JsonObject) =>
  writeFileSync(join(folder, name), typeof content === "string" ? content : stringify(content));
const load = () => loadGoldenPaths(folder, awsKindSchemas());

describe("a new type is one file", () => {
  test("a DynamoDB table resolves beside the shipped types", () => {
    for (const name of readdirSync(shipped).filter((entry) => entry.endsWith(".yaml"))) {
      copyFileSync(join(shipped, name), join(folder, name));
    }
    write("table@1.yaml", tableGoldenPath);
    const paths = loadGoldenPaths(pathToFileURL(`${folder}/`), awsKindSchemas());
    expect(paths.list()).toHaveLength(8);
    expect(
      paths.resolve(inputFor({ type: "table", parameters: { hashKey: "orderId" } }, { tier: "production" })),
    ).toEqual({
      ok: true,
      definition: {
        type: "table",
        version: 1,
        class: null,
        parameters: { deletionProtection: true, hashKey: "orderId" },
        overrides: null,
        provider: "aws",
        kind: "AWS::DynamoDB::Table",
        properties: {
          TableName: "orders-it-456789ab",
          AttributeDefinitions: [{ AttributeName: "orderId", AttributeType: "S" }],
          KeySchema: [{ AttributeName: "orderId", KeyType: "HASH" }],
          BillingMode: "PAY_PER_REQUEST",
          SSESpecification: { SSEEnabled: true },
          PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          DeletionProtectionEnabled: true,
          Tags: [
            { Key: "cairn:team", Value: "payments" },
            { Key: "cairn:service", Value: "orders" },
            { Key: "cairn:environment", Value: "production" },
            { Key: "cairn:resource-id", Value: "01938a2e-5b7c-7c3d-8e4f-0123456789ab" },
          ],
        },
        externalName: "orders-it-456789ab",
        outputs: { name: "${attributes.TableName}", arn: "${attributes.Arn}" },
        protected: true,
        monthlyPrice: { amount: 2.5, currency: "USD" },
      },
    });
    expect(
      paths.resolve(inputFor({ type: "table", parameters: { hashKey: "id" }, overrides: { BillingMode: "FREE" } })),
    ).toMatchObject({ ok: false, errors: [{ pointer: "/resources/it/overrides/BillingMode" }] });
  });

  test("what AWS refuses of a parameter's value is told at the parameter", () => {
    const lax = structuredClone(tableGoldenPath) as JsonObject;
    setIn((lax.parameters as JsonObject).properties, "hashKey", { type: "string" });
    write("table@1.yaml", lax);
    const asReference = load().resolve(
      inputFor({ type: "table", parameters: { hashKey: "${resources.a.outputs.b}" } }),
    );
    expect(asReference).toMatchObject({ ok: true });
    setIn((lax.parameters as JsonObject).properties, "hashKey", { type: "integer" });
    write("table@1.yaml", lax);
    expect(load().resolve(inputFor({ type: "table", parameters: { hashKey: 7 } }))).toEqual({
      ok: false,
      errors: [
        { pointer: "/resources/it/parameters/hashKey", message: "must be a string" },
        { pointer: "/resources/it/parameters/hashKey", message: "must have exactly one of the allowed forms" },
      ],
    });
  });

  test("a second version stands beside the first, and is what a request without one gets", () => {
    write("table@1.yaml", tableGoldenPath);
    write("table@2.yaml", { ...tableGoldenPath, version: 2, title: "Better table" });
    const paths = load();
    expect(paths.list().map(({ version }) => version)).toEqual([1, 2]);
    const versionOf = (version?: number) => {
      const result = paths.resolve(inputFor({ type: "table", version, parameters: { hashKey: "id" } }));
      return result.ok && result.definition.version;
    };
    expect([versionOf(), versionOf(1), versionOf(2), versionOf(3)]).toEqual([2, 1, 2, false]);
  });

  test("a file that a bundling step turned into JSON means the same", () => {
    write("table@1.yaml", tableGoldenPath);
    const fromYaml = load().list();
    rmSync(join(folder, "table@1.yaml"));
    write("table@1.json", JSON.stringify(tableGoldenPath));
    expect(load().list()).toEqual(fromYaml);
  });

  test("a type that is not offered in a tier says so", () => {
    const [variant] = tableGoldenPath.variants;
    write("table@1.yaml", { ...tableGoldenPath, variants: [{ ...variant, tiers: ["production"] }] });
    expect(load().resolve(inputFor({ type: "table" }))).toEqual({
      ok: false,
      errors: [{ pointer: "/resources/it/type", message: "table@1 is not offered in the tier staging" }],
    });
  });
});

test("loading reads no provider schema: that waits for the first request of its kind", () => {
  const schemas = awsKindSchemas();
  const published = vi.spyOn(schemas, "published");
  const paths = loadGoldenPaths(shipped, schemas);
  paths.list();
  expect(published).not.toHaveBeenCalled();
  paths.resolve(inputFor({ type: "queue" }));
  paths.resolve(inputFor({ type: "queue" }, { tier: "production" }));
  expect(published.mock.calls).toEqual([["AWS::SQS::Queue"]]);
});

test("the list tells enough to write a request", () => {
  const postgres = loadGoldenPaths(shipped, awsKindSchemas())
    .list()
    .find(({ type }) => type === "postgres");
  expect(postgres).toMatchObject({
    version: 1,
    classes: { small: { description: expect.any(String) } },
    defaultClass: "small",
    parameters: { additionalProperties: false, properties: { backupRetentionDays: { type: "integer" } } },
    tiers: {
      staging: { provider: "postgres", kind: "Postgres::Database", defaults: { deletionProtection: false } },
      production: {
        provider: "aws",
        kind: "AWS::RDS::DBInstance",
        defaults: { deletionProtection: true, backupRetentionDays: 14 },
        outputs: { url: expect.stringContaining("without a password") },
        monthlyPrice: { small: { amount: 99.5, currency: "USD", source: expect.any(String), date: "2026-06-30" } },
      },
    },
  });
});

type Fault = { reason: string; change: (path: JsonObject) => void; pointer: string; message: RegExp };

const variantOf = (path: JsonObject) => (path.variants as JsonObject[])[0] as JsonObject;
const setIn = (object: Json | undefined, key: string, value: Json) => {
  (object as JsonObject)[key] = value;
};

const faults: Fault[] = [
  { reason: "an unknown member", change: (p) => setIn(p, "clases", {}), pointer: "", message: /clases/ },
  {
    reason: "a type of capitals",
    change: (p) => setIn(p, "type", "Table"),
    pointer: "/type",
    message: /small letters/,
  },
  { reason: "no variant", change: (p) => setIn(p, "variants", []), pointer: "/variants", message: /./ },
  {
    reason: "a tier that does not exist",
    change: (p) => setIn(variantOf(p), "tiers", ["test"]),
    pointer: "/variants/0/tiers/0",
    message: /production/,
  },
  {
    reason: "a tier twice",
    change: (p) => setIn(p, "variants", [variantOf(p), variantOf(p)]),
    pointer: "/variants",
    message: /development is in two/,
  },
  {
    reason: "open parameters",
    change: (p) => setIn(p.parameters, "additionalProperties", true),
    pointer: "/parameters/additionalProperties",
    message: /false/,
  },
  {
    reason: "parameters that are no JSON Schema",
    change: (p) => setIn((p.parameters as JsonObject).properties, "hashKey", { type: "strnig" }),
    pointer: "/parameters",
    message: /strnig/,
  },
  {
    reason: "a JSON Schema keyword with a typing error",
    change: (p) => setIn((p.parameters as JsonObject).properties, "hashKey", { type: "string", minLenght: 1 }),
    pointer: "/parameters",
    message: /minLenght/,
  },
  {
    reason: "a default that its own schema refuses",
    change: (p) => setIn(p.defaults, "staging", { deletionProtection: false, hashKey: 7 }),
    pointer: "/defaults/staging/hashKey",
    message: /must be string/,
  },
  {
    reason: "a protection that is no boolean parameter",
    change: (p) => setIn(p, "protection", "hashKey"),
    pointer: "/protection",
    message: /boolean/,
  },
  {
    reason: "no default for the protection",
    change: (p) => setIn(p.defaults, "production", {}),
    pointer: "/defaults/production",
    message: /must say what deletionProtection is/,
  },
  {
    reason: "a default class that does not exist",
    change: (p) => setIn(p, "defaultClass", "small"),
    pointer: "/defaultClass",
    message: /not among/,
  },
  {
    reason: "a class without values",
    change: (p) => Object.assign(p, { classes: { small: { description: "s" } }, defaultClass: "small" }),
    pointer: "/variants/0/classes",
    message: /small is missing/,
  },
  {
    reason: "an output that another tier would not have",
    change: (p) => setIn(variantOf(p).outputs, "streamArn", "${attributes.StreamArn}"),
    pointer: "/variants/0/outputs",
    message: /streamArn is not declared/,
  },
  {
    reason: "an output that reads what a caller wrote",
    change: (p) => setIn(variantOf(p).outputs, "arn", "${parameters.hashKey}"),
    pointer: "/variants/0/outputs/arn",
    message: /may not be read here/,
  },
  {
    reason: "a template that reads an attribute before there is one",
    change: (p) => setIn(variantOf(p).properties, "BillingMode", "${attributes.Mode}"),
    pointer: "/variants/0/properties/BillingMode",
    message: /may not be read here/,
  },
  {
    reason: "a template that reads a parameter that does not exist",
    change: (p) => setIn(variantOf(p).properties, "BillingMode", "${parameters.mode}"),
    pointer: "/variants/0/properties/BillingMode",
    message: /mode} is not among the parameters/,
  },
  {
    reason: "a template that reads an undeclared target value",
    change: (p) => setIn(variantOf(p).properties, "BillingMode", "${target.mode}"),
    pointer: "/variants/0/properties/BillingMode",
    message: /neither a required nor an optional/,
  },
  {
    reason: "text around a value that may be left out",
    change: (p) => setIn(variantOf(p).properties, "BillingMode", "x-${parameters.rangeKey}"),
    pointer: "/variants/0/properties/BillingMode",
    message: /must stand alone/,
  },
  {
    reason: "an expression that is not closed",
    change: (p) => setIn(variantOf(p).properties, "BillingMode", "${name"),
    pointer: "/variants/0/properties/BillingMode",
    message: /not closed/,
  },
  {
    reason: "a name where the derived one goes",
    change: (p) => setIn(variantOf(p).properties, "TableName", "mine"),
    pointer: "/variants/0/properties/TableName",
    message: /derived name/,
  },
  {
    reason: "a kind that nobody publishes a schema of",
    change: (p) => setIn(variantOf(p), "kind", "AWS::DynamoDB::Tabel"),
    pointer: "/variants/0/kind",
    message: /no schema of AWS::DynamoDB::Tabel is known/,
  },
  {
    reason: "a price without a source",
    change: (p) => setIn(variantOf(p).monthlyPrice, "source", ""),
    pointer: "/variants/0/monthlyPrice/source",
    message: /./,
  },
  {
    reason: "a price of no date",
    change: (p) => setIn(variantOf(p).monthlyPrice, "date", "soon"),
    pointer: "/variants/0/monthlyPrice/date",
    message: /date/i,
  },
];

test.each(faults)("loading fails, naming file and pointer, for $reason", ({ change, pointer, message }) => {
  const path = structuredClone(tableGoldenPath) as JsonObject;
  change(path);
  write("table@1.yaml", path);
  const error = failure();
  expect(error.file).toBe("table@1.yaml");
  expect(error.faults).toContainEqual({ pointer, message: expect.stringMatching(message) });
  expect(error.message).toContain(`table@1.yaml#${pointer}: `);
});

test("loading fails for what is no YAML, and for a file that is called otherwise than it says", () => {
  write("table@1.yaml", "type: [table");
  expect(failure()).toMatchObject({ file: "table@1.yaml", faults: [{ pointer: "" }] });
  write("table@1.yaml", { ...tableGoldenPath, version: 2 });
  expect(failure().message).toBe("table@1.yaml#/type: belongs in table@2.yaml");
});

function failure(): GoldenPathError {
  try {
    load();
  } catch (error) {
    if (error instanceof GoldenPathError) return error;
    throw error;
  }
  throw new Error("loading did not fail");
}
