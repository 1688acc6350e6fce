import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  atPointer,
  canonicalJson,
  hashOf,
  isObject,
  type Json,
  mapStrings,
  mergePatch,
  pointerTo,
  pointerWithin,
  sameJson,
} from "../../core/json.ts";

/** Any JSON value as a parser makes it, `__proto__` members included. */
const anyJson = fc.json({ maxDepth: 4 }).map((text) => JSON.parse(text) as Json);
const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":null,"a":1}') as Json;

describe("canonical JSON", () => {
  it("is JSON of the same value, and its own canonical form", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const text = canonicalJson(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it("does not depend on the order in which members were written", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        expect(canonicalJson(backwards(value))).toBe(canonicalJson(value));
      }),
    );
  });

  it("sorts by code unit, in every depth, and leaves lists as they are", () => {
    expect(canonicalJson({ b: [{ z: 1, a: 2 }, 0], a: "é", B: null, "10": 1, "9": 2 })).toBe(
      '{"10":1,"9":2,"B":null,"a":"é","b":[{"a":2,"z":1},0]}',
    );
  });

  it("leaves out what JSON cannot hold, so that a stored value keeps its hash", () => {
    const written = { class: undefined, type: "bucket" } as unknown as Json;
    expect(canonicalJson(written)).toBe('{"type":"bucket"}');
    expect(hashOf(written)).toBe(hashOf(JSON.parse(JSON.stringify(written))));
  });

  it("keeps a member named __proto__ apart from what an object inherits", () => {
    expect(canonicalJson(hostile)).toBe('{"__proto__":{"polluted":true},"a":1,"constructor":null}');
  });

  it("hashes to the SHA-256 of its text", () => {
    expect(hashOf({ b: 1, a: [] })).toBe("1c8f8816506a8ccbc55140d8a7bb70214a8942c7030fc0fc2914cec675cd1c15");
  });

  it.each<[Json, Json, boolean]>([
    [{ a: 1, b: 2 }, { b: 2, a: 1 }, true],
    [[1, 2], [2, 1], false],
    [1, "1", false],
    [null, {}, false],
    [{ a: null }, {}, false],
    [-0, 0, true],
  ])("finds %j and %j the same: %s", (one, other, same) => expect(sameJson(one, other)).toBe(same));
});

describe("merge patch", () => {
  // RFC 7396, appendix A.
  it.each<[Json, Json, Json]>([
    [{ a: "b" }, { a: "c" }, { a: "c" }],
    [{ a: "b" }, { b: "c" }, { a: "b", b: "c" }],
    [{ a: "b" }, { a: null }, {}],
    [{ a: "b", b: "c" }, { a: null }, { b: "c" }],
    [{ a: ["b"] }, { a: "c" }, { a: "c" }],
    [{ a: "c" }, { a: ["b"] }, { a: ["b"] }],
    [{ a: { b: "c" } }, { a: { b: "d", c: null } }, { a: { b: "d" } }],
    [{ a: [{ b: "c" }] }, { a: [1] }, { a: [1] }],
    [
      ["a", "b"],
      ["c", "d"],
      ["c", "d"],
    ],
    [{ a: "b" }, ["c"], ["c"]],
    [{ a: "foo" }, null, null],
    [{ a: "foo" }, "bar", "bar"],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: "b", c: null }, { a: "b" }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])("of %j with %j is %j", (target, patch, merged) => expect(mergePatch(target, patch)).toEqual(merged));

  it("changes neither of its arguments and gives the same when merged again", () => {
    fc.assert(
      fc.property(anyJson, anyJson, (target, patch) => {
        const before = [canonicalJson(target), canonicalJson(patch)];
        const once = mergePatch(target, patch);
        expect(canonicalJson(mergePatch(once, patch))).toBe(canonicalJson(once));
        expect([canonicalJson(target), canonicalJson(patch)]).toEqual(before);
      }),
    );
  });

  it("takes __proto__ for a member like any other", () => {
    const merged = mergePatch({ a: 0 }, hostile);
    expect(canonicalJson(merged)).toBe('{"__proto__":{"polluted":true},"a":1}');
    expect(Object.getPrototypeOf(merged)).toBe(Object.prototype);
  });
});

describe("a pointer that is too long", () => {
  it.each([
    ["/a/b", 4, "/a/b"],
    ["/a/b", 3, "/a"],
    ["/abc/d", 4, "/abc"],
    ["/abc/d", 3, ""],
    ["", 3, ""],
    ["none", 3, ""],
  ])("%j within %i is %j, of the nearest place around", (pointer, longest, within) => {
    expect(pointerWithin(pointer, longest)).toBe(within);
  });
});

describe("a pointer", () => {
  // RFC 6901, section 5.
  const document: Json = { foo: ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7, 'k"l': 6 };
  it.each<[string, Json | undefined]>([
    ["", document],
    ["/foo", ["bar", "baz"]],
    ["/foo/0", "bar"],
    ["/", 0],
    ["/a~1b", 1],
    ["/c%d", 2],
    ["/m~0n", 8],
    ["/ ", 7],
    ['/k"l', 6],
    ["/foo/2", undefined],
    ["/foo/", undefined],
    ["/foo/01", undefined],
    ["/foo/-", undefined],
    ["/foo/length", undefined],
    ["/foo/0/0", undefined],
    ["/toString", undefined],
    ["/__proto__", undefined],
  ])("%j finds %j", (pointer, found) => expect(atPointer(document, pointer)).toEqual(found));

  it("made below an object finds the member it was made for, whatever its name", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.constantFrom("~", "/", "~1", "~0", "__proto__", ""),
        (name, odd) => {
          const member = name + odd;
          const value = Object.fromEntries([[member, { [odd]: "here" }]]) as Json;
          expect(atPointer(value, pointerTo("", member))).toEqual(isObject(value) ? value[member] : undefined);
        },
      ),
    );
  });

  it("that mapStrings gives finds the string it gave", () => {
    fc.assert(
      fc.property(anyJson, (value) => {
        const same = mapStrings(value, (text, pointer) => {
          expect(atPointer(value, pointer)).toBe(text);
          return text;
        });
        expect(canonicalJson(same)).toBe(canonicalJson(value));
      }),
    );
  });
});

/** The same value with every object's members in the opposite order. */
function backwards(value: Json): Json {
  if (Array.isArray(value)) return value.map(backwards);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, member]) => [key, backwards(member)]),
  );
}
