import fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { tiers } from "../../core/definition.ts";
import { type JsonObject, sameJson } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { inputFor } from "./inputs.ts";

const paths = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas());
const listed = paths.list();

const nasty = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "hasOwnProperty",
  "*",
  "",
  "a/b~c",
  "${name}",
  "${target.accountId}",
  "${resources.db.outputs.url}",
  "${parameters.__proto__}",
  "'; drop table resources; --",
  "\u0000",
  "\ud800",
  "😀",
];
const known = [
  ...listed.flatMap(({ parameters }) => Object.keys((parameters as { properties: JsonObject }).properties)),
  ...["Tags", "Key", "Value", "Name", "BucketName", "LifecycleConfiguration", "Rules", "BucketEncryption", "Port"],
];

const text = fc.oneof(fc.constantFrom(...nasty, ...known), fc.string({ unit: "binary", maxLength: 12 }));
// Made as text first: a parser makes own members named __proto__, an object literal does not.
const { hostile } = fc.letrec((tie) => ({
  hostile: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    fc.oneof(
      fc.constantFrom("null", "true", "-0", "1e308", "6"),
      text.map((value) => JSON.stringify(value)),
    ),
    fc.array(tie("hostile"), { maxLength: 4 }).map((items) => `[${items.join(",")}]`),
    tie("object"),
  ),
  object: fc
    .array(fc.tuple(text, tie("hostile")), { maxLength: 5 })
    .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`),
}));
const object = fc
  .array(fc.tuple(text, hostile as fc.Arbitrary<string>), { maxLength: 5 })
  .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:${value}`).join(",")}}`)
  .map((json) => JSON.parse(json) as JsonObject);

const pristine = JSON.stringify(Object.getOwnPropertyNames(Object.prototype));
afterEach(() => expect(JSON.stringify(Object.getOwnPropertyNames(Object.prototype))).toBe(pristine));

test("no parameter or override makes resolving throw, change its input, or leave a trace on prototypes", () => {
  const request = fc.record(
    {
      type: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(...listed.map(({ type }) => type)) },
        { weight: 1, arbitrary: text },
      ),
      version: fc.oneof(fc.constant(1), fc.integer()),
      class: fc.oneof(fc.constantFrom("small", "large"), text),
      parameters: object,
      overrides: object,
    },
    { requiredKeys: ["type"] },
  );
  fc.assert(
    fc.property(request, fc.constantFrom(...tiers), (asked, tier) => {
      const copy = structuredClone(asked);
      const result = paths.resolve(inputFor(asked, { tier }));
      expect(sameJson(asked as JsonObject, copy as JsonObject)).toBe(true);
      expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
      if (result.ok) {
        expect(Object.getPrototypeOf(result.definition.properties)).toBe(Object.prototype);
        expect(JSON.stringify(result.definition.properties)).not.toContain("111122223333:secret");
      } else {
        expect(result.errors.length).toBeGreaterThan(0);
        for (const { pointer } of result.errors) expect(pointer.startsWith("/resources/it")).toBe(true);
      }
    }),
    { numRuns: 1_000 },
  );
});

test("overrides that AWS accepts keep the name and the owner, whatever else they hold", () => {
  const tags = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9 _.-]{1,20}$/), { maxLength: 6 });
  fc.assert(
    fc.property(tags, fc.constantFrom("queue", "bucket", "secret"), (keys, type) => {
      const overrides = { Tags: keys.map((Key) => ({ Key, Value: "theirs" })) };
      const result = paths.resolve(inputFor({ type, overrides }));
      if (!result.ok) throw new Error(JSON.stringify(result.errors));
      const made = result.definition.properties.Tags as { Key: string; Value: string }[];
      expect(made.map(({ Key }) => Key)).toEqual([
        ...keys,
        ...["cairn:team", "cairn:service", "cairn:environment", "cairn:resource-id"],
      ]);
      expect(Object.values(result.definition.properties)).toContain(result.definition.externalName);
    }),
    { numRuns: 100 },
  );
});
