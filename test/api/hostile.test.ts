import fc from "fast-check";
import { expect, it } from "vitest";
import { parseStrictJson } from "../../api/strict-json.ts";
import type { Json } from "../../core/json.ts";
import { harness, ordersIntent, sendIntent, tokens } from "./harness.ts";

const nasty = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "then",
  "${target.x}",
  "${resources.a.outputs.b}",
  "'; --",
  "\u0000",
  "🚀",
  "",
  "../..",
  "%00",
  "a".repeat(300),
);
const text = fc.oneof(nasty, fc.string({ unit: "binary", maxLength: 20 }));
const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 5 },
    text,
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("json"), { maxLength: 4 }),
    fc.dictionary(text, tie("json"), { maxKeys: 4 }) as fc.Arbitrary<Json>,
  ),
}));

/** Where a hostile value may stand in an intent. */
const places: ((value: Json, key: string) => Json)[] = [
  (value) => value,
  (value) => ({ ...ordersIntent, action: value }),
  (value) => ({ ...ordersIntent, team: value }),
  (value) => ({ ...ordersIntent, resources: value }),
  (value, key) => ({ ...ordersIntent, [key]: value }),
  (value, key) => ({ ...ordersIntent, resources: { [key]: value } }),
  (value, key) => ({ ...ordersIntent, resources: { [key]: { type: "bucket", parameters: { [key]: value } } } }),
  (value) => ({ ...ordersIntent, resources: { db: { type: value, class: value, version: value } } }),
  (value) => ({ ...ordersIntent, action: "delete", resources: value }),
];

const runs = { numRuns: 400 };
const isRefusal = (status: number) => status >= 400 && status < 500;

it("no intent body is a 5xx, and what is refused is a problem document that stored nothing", async () => {
  await fc.assert(
    fc.asyncProperty(json, text, fc.constantFrom(...places), async (value, key, place) => {
      const { send, state, log } = harness();
      const answer = await send(sendIntent(place(value, key)));
      expect(log).toEqual([]);
      if (answer.status === 202) return;
      expect(isRefusal(answer.status), answer.text).toBe(true);
      expect(answer.headers["content-type"]).toBe("application/problem+json");
      expect(state.acceptances).toEqual([]);
    }),
    runs,
  );
});

it("no text as a body is a 5xx", async () => {
  const pieces = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    '"',
    '"a"',
    "\\",
    "1e999",
    "null",
    " ",
    "\ufeff",
    "\ud800",
    '{"action":"apply"',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(pieces, text), { maxLength: 12 }), async (parts) => {
      const { send, log } = harness();
      const answer = await send(sendIntent(parts.join("")));
      expect(isRefusal(answer.status), answer.text).toBe(true);
      expect(log).toEqual([]);
    }),
    runs,
  );
});

it("no path, query or header is a 5xx", async () => {
  const paths = fc.constantFrom(
    "/v1/resources/",
    "/v1/teams/",
    "/v1/services/",
    "/v1/intents/",
    "/v1/resource-types/",
    "/v1/drift/reports/",
    "/",
  );
  const method = fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS");
  const header = fc.constantFrom("if-none-match", "if-match", "idempotency-key", "content-type", "accept");
  await fc.assert(
    fc.asyncProperty(paths, text, text, text, method, header, async (path, tail, name, value, verb, field) => {
      const { send, log } = harness();
      const answer = await send({
        method: verb,
        path: path + encodeURIComponent(tail.toWellFormed()),
        query: `${encodeURIComponent(name.toWellFormed())}=${encodeURIComponent(value.toWellFormed())}`,
        headers: { [field]: value },
        claims: tokens.platform,
      });
      expect(answer.status, answer.text).toBeLessThan(500);
      expect(log).toEqual([]);
    }),
    runs,
  );
});

it("strict JSON keeps every value that it takes, and takes every value without a fault", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const written = JSON.stringify(value);
      const parsed = parseStrictJson(written);
      if (parsed.ok) expect(JSON.stringify(parsed.value)).toBe(written);
      else expect(written).toMatch(/__proto__|constructor|prototype|\\u0000|\\ud[89a-f]|\d{16}|e\+/);
    }),
    runs,
  );
});
