import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../core/json.ts";
import { findReferences, strayTemplates, withReferencesMarked, withReferencesResolved } from "../../core/reference.ts";
import { render, TemplateError, type TemplateScope } from "../../core/template.ts";

const scope: TemplateScope = {
  target: { region: "eu-central-1", subnets: ["a", "b"], port: 5432, nothing: null },
  name: "orders",
};

describe("a template", () => {
  it.each<[string, Json, Json]>([
    ["one expression takes the value with its type", "${target.port}", 5432],
    ["a list stays a list", { ids: "${target.subnets}" }, { ids: ["a", "b"] }],
    ["null is a value", "${target.nothing}", null],
    ["inside text it is written as text", "db-${name}:${target.port}", "db-orders:5432"],
    ["what is no string is written as JSON", "in ${target.subnets}", 'in ["a","b"]'],
    ["text without an expression stays", "a $ {b} ${", "a $ {b} ${"],
    ["lists and members are walked", [{ "${name}": ["${name}"] }], [{ "${name}": ["orders"] }]],
  ])("%s", (_reason, template, rendered) => expect(render(template, scope)).toEqual(rendered));

  it.each([
    "${nobody}",
    "${target.zone}",
    "${target.region.length}",
    "${target.subnets.0}",
    "${__proto__}",
    "${target.__proto__}",
    "${target.constructor.name}",
    "${name.toString}",
    "${}",
    "${ name }",
    "${.}",
  ])("%s names nothing, alone or inside text", (template) => {
    for (const text of [template, `x ${template}`]) {
      const failed = catching(() => render({ a: [text] }, scope));
      expect(failed).toBeInstanceOf(TemplateError);
      expect(failed).toMatchObject({ pointer: "/a/0", path: template.slice(2, -1) });
    }
  });

  it("reads what it filled in never again, whatever the value says", () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.constantFrom("${name}", "${value}", "${nobody}", "$&", "$1", "$$", "${resources.a.outputs.b}", "}"),
    );
    fc.assert(
      fc.property(hostile, hostile, (value, before) => {
        const text = before.replaceAll("$", "");
        expect(render({ all: "${value}", part: `${text}<\${value}>` }, { value, name: "x" })).toEqual({
          all: value,
          part: `${text}<${value}>`,
        });
      }),
    );
  });

  it("leaves as written what it is told to keep", () => {
    const written = { whole: "${resources.db.outputs.url}", part: "${name}/${resources.db.outputs.url}" };
    expect(render(written, scope, ["resources"])).toEqual({
      whole: "${resources.db.outputs.url}",
      part: "orders/${resources.db.outputs.url}",
    });
  });
});

describe("references", () => {
  const value: Json = {
    url: "${resources.db.outputs.url}",
    all: ["${resources.db.outputs.host}:${resources.a-b.outputs.port}"],
  };

  it("are found with where they stand, in document order", () => {
    expect(findReferences(value, "/p")).toEqual([
      { name: "db", key: "url", pointer: "/p/url" },
      { name: "db", key: "host", pointer: "/p/all/0" },
      { name: "a-b", key: "port", pointer: "/p/all/0" },
    ]);
  });

  it("are marked for policy, which cannot know their value", () => {
    expect(withReferencesMarked({ ...(value as object), plain: "x", ref: "y" })).toEqual({
      url: { ref: "${resources.db.outputs.url}" },
      all: [{ ref: "${resources.db.outputs.host}:${resources.a-b.outputs.port}" }],
      plain: "x",
      ref: "y",
    });
  });

  it("are filled in with the outputs, whose text is not read again", () => {
    const outputs = { db: { url: "${resources.db.outputs.host}", host: "h" }, "a-b": { port: 1 } };
    expect(withReferencesResolved(value, outputs)).toEqual({ url: "${resources.db.outputs.host}", all: ["h:1"] });
  });

  it.each([
    ["no such resource", {}],
    ["no such output", { db: {} }],
  ])("throw when there is %s", (_reason, outputs) =>
    expect(() => withReferencesResolved("${resources.db.outputs.url}", outputs)).toThrow(TemplateError),
  );

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "of an object's inherited %s find nothing",
    (name) => {
      expect(() => withReferencesResolved(`\${resources.${name}.outputs.url}`, {})).toThrow(TemplateError);
      expect(() => withReferencesResolved(`\${resources.db.outputs.${name}}`, { db: {} })).toThrow(TemplateError);
    },
  );

  it.each([
    "${target.account}",
    "${",
    "x${}",
    "${resources.db}",
    "${resources.db.outputs.a.b}",
    "${resources.db.outputs.url",
    "${${resources.db.outputs.url}}",
    "$${resources.db.outputs.url}{target.account}",
    "${resources.a${resources.db.outputs.url}.outputs.b}",
  ])("%s is a stray template, which no caller may write", (text) =>
    expect(strayTemplates({ a: [text] }, "/p")).toEqual(["/p/a/0"]),
  );

  it("that are whole, and text without a template, are no stray", () => {
    expect(strayTemplates(["${resources.db.outputs.url}", "a$b{c}", "$", "}{"])).toEqual([]);
  });

  it("are all that is left to fill in once nothing is stray", () => {
    const piece = fc.constantFrom("${", "}", "$", "{", ".", "resources.a.outputs.b", "${resources.a.outputs.b}", "x");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join("");
        fc.pre(strayTemplates(text).length === 0);
        fc.pre(findReferences(text).every(({ name, key }) => name === "a" && key === "b"));
        expect(withReferencesResolved(text, { a: { b: "B" } })).toBe(text.replaceAll("${resources.a.outputs.b}", "B"));
      }),
      { numRuns: 500 },
    );
  });
});

function catching(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
