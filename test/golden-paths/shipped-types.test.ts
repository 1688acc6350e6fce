import { describe, expect, test } from "vitest";
import type { PropertySchema } from "../../aws-schemas/aws-schema.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { resolveRef } from "../../aws-schemas/resource-model.ts";
import { type Tier, tiers } from "../../core/definition.ts";
import type { JsonObject } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { inputFor, targets } from "./inputs.ts";

const folder = new URL("../../golden-paths/", import.meta.url);
const paths = loadGoldenPaths(folder, awsKindSchemas());

const needed: { [type: string]: JsonObject } = { parameter: { value: "on" } };
const everywhere = paths.list().flatMap((listed) =>
  tiers.flatMap((tier) => {
    const classes = Object.keys(listed.classes);
    return (classes.length === 0 ? [undefined] : classes).map((className) => ({ listed, tier, className }));
  }),
);

test("the seven types are there, in their first version", () => {
  expect(paths.list().map(({ type, version }) => `${type}@${version}`)).toEqual([
    "bucket@1",
    "parameter@1",
    "postgres@1",
    "queue@1",
    "redis@1",
    "secret@1",
    "topic@1",
  ]);
});

describe.each(everywhere)("$listed.type in $tier, class $className", ({ listed, tier, className }) => {
  const request = { type: listed.type, class: className, parameters: needed[listed.type] };

  test("resolves to properties that the provider's own schema accepts", () => {
    const result = paths.resolve(inputFor(request, { tier }));
    expect(result).toMatchObject({ ok: true });
    if (!result.ok) return;
    const { definition } = result;
    const schema = awsKindSchemas().published(definition.kind);
    if (definition.provider === "aws") expect(schema?.validate(definition.properties)).toEqual([]);
    expect(JSON.stringify(definition.properties)).not.toMatch(/\$\{|null/);
    expect(definition.externalName).toMatch(/^orders[-_]it[-_]456789ab$/);
    expect(Object.values(definition.properties)).toContain(definition.externalName);
    expect(definition.class).toBe(className ?? null);
  });

  test("names the same outputs as in every tier, over attributes alone", () => {
    const result = paths.resolve(inputFor(request, { tier }));
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    const { outputs } = result.definition;
    expect(Object.keys(outputs)).toEqual(Object.keys(listed.tiers[tier]?.outputs ?? {}));
    expect(Object.keys(outputs)).toEqual(Object.keys(listed.tiers.development?.outputs ?? {}));
    for (const written of JSON.stringify(outputs).matchAll(/\$\{(\w+)/g)) expect(written[1]).toBe("attributes");
    expect(JSON.stringify(outputs)).not.toMatch(/password|secretstring/i);
  });

  test("has a price with its source and date", () => {
    const result = paths.resolve(inputFor(request, { tier }));
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    const price = listed.tiers[tier]?.monthlyPrice?.[className ?? "default"];
    expect(price).toMatchObject({ currency: "USD", date: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) });
    expect(price?.source).toMatch(/https:\/\/aws\.amazon\.com\/|platform team's bill/);
    expect(result.definition.monthlyPrice).toEqual({ amount: price?.amount, currency: "USD" });
  });

  test("resolves without the optional target values, and to less", () => {
    const { kmsKeyId: _, ...aws } = targets.aws;
    const result = paths.resolve(inputFor(request, { tier, targets: { ...targets, aws } }));
    expect(result).toMatchObject({ ok: true });
    if (result.ok) expect(JSON.stringify(result.definition.properties)).not.toMatch(/kms.?(Master)?KeyI/i);
  });
});

test("every output reads an attribute that the provider's own schema has", () => {
  for (const { listed, tier, className } of everywhere) {
    const result = paths.resolve(
      inputFor({ type: listed.type, class: className, parameters: needed[listed.type] }, { tier }),
    );
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    const schema = readSchema(result.definition.kind);
    for (const [written, path = ""] of JSON.stringify(result.definition.outputs).matchAll(
      /\$\{attributes\.([^{}]+)\}/g,
    )) {
      if (schema === undefined) {
        expect(["Host", "Port", "Database", "Role", "Url", "SecretArn"], written).toContain(path);
        continue;
      }
      let part: PropertySchema | undefined = schema;
      for (const member of path.split("."))
        part = part && resolveRef(schema, part.properties?.[member] ?? { enum: [] });
      expect(part, `${result.definition.kind} ${written}`).not.toEqual({ enum: [] });
    }
  }
});

const protections: { type: string; production: boolean; reason: string }[] = [
  { type: "postgres", production: true, reason: "holds data" },
  { type: "bucket", production: true, reason: "holds data" },
  { type: "topic", production: true, reason: "holds data" },
  { type: "queue", production: true, reason: "holds messages nobody has read" },
  { type: "secret", production: true, reason: "what it unlocks is lost with it" },
  { type: "redis", production: true, reason: "what needs a warm one is down without it" },
  { type: "parameter", production: false, reason: "its value stands in the intent" },
];

test.each(protections)("$type is protected in production: $production, because it $reason", ({ type, production }) => {
  const isProtected = (tier: Tier, parameters: JsonObject = {}) => {
    const result = paths.resolve(inputFor({ type, parameters: { ...needed[type], ...parameters } }, { tier }));
    return result.ok && result.definition.protected;
  };
  expect(isProtected("production")).toBe(production);
  expect(isProtected("staging")).toBe(false);
  if (type === "parameter") return;
  expect(isProtected("staging", { deletionProtection: true })).toBe(true);
  expect(isProtected("production", { deletionProtection: false })).toBe(false);
});

test("postgres is a database on the shared cluster in staging", () => {
  expect(paths.resolve(inputFor({ type: "postgres", class: "medium" }, { name: "main-db" }))).toMatchObject({
    definition: {
      provider: "postgres",
      kind: "Postgres::Database",
      externalName: "orders_main_db_456789ab",
      properties: { Database: "orders_main_db_456789ab", Role: "orders_main_db_456789ab", ConnectionLimit: 50 },
    },
  });
});

test("postgres is an encrypted, backed up, private RDS instance in two zones in production", () => {
  expect(paths.resolve(inputFor({ type: "postgres" }, { tier: "production" }))).toMatchObject({
    definition: {
      provider: "aws",
      kind: "AWS::RDS::DBInstance",
      properties: {
        DBInstanceIdentifier: "orders-it-456789ab",
        DBName: "orders_it_456789ab",
        EngineVersion: "17",
        StorageEncrypted: true,
        BackupRetentionPeriod: 14,
        MultiAZ: true,
        DeletionProtection: true,
        ManageMasterUserPassword: true,
        PubliclyAccessible: false,
        DBSubnetGroupName: "cairn",
        VPCSecurityGroups: ["sg-0123456789abcdef0"],
      },
    },
  });
});

test("a parameter that nobody set leaves its property and the property's wrapping out", () => {
  const plain = paths.resolve(inputFor({ type: "bucket" }));
  expect(plain).toMatchObject({ ok: true });
  if (!plain.ok) return;
  expect(plain.definition.properties).not.toHaveProperty("VersioningConfiguration");
  expect(plain.definition.properties.LifecycleConfiguration).toEqual({
    Rules: [{ Id: "cairn", Status: "Enabled", AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } }],
  });
  expect(paths.resolve(inputFor({ type: "bucket" }, { tier: "production" }))).toMatchObject({
    definition: { properties: { VersioningConfiguration: { Status: "Enabled" } } },
  });
});

test("the longest names a service and a resource may have still make names that every provider takes", () => {
  const long = { service: `a--${"b".repeat(36)}c`, name: `d${"-".repeat(38)}e` };
  for (const { listed, tier, className } of everywhere) {
    const request = { type: listed.type, class: className, parameters: needed[listed.type] };
    expect(paths.resolve(inputFor(request, { ...long, tier }))).toMatchObject({ ok: true });
  }
});
