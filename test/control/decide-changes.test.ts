import { describe, expect, it } from "vitest";
import { type Decided, decideChanges } from "../../control/decide-changes.ts";
import type { GoldenPaths } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import type { ContextResource } from "../../core/store.ts";
import { applying, contextOf, counter, definitionOf, deleting, existing, goldenPaths, url, using } from "./inputs.ts";

const bucket = { type: "bucket" };
const decide = (intent: Intent, ...resources: ContextResource[]) =>
  decideChanges({ goldenPaths, newId: counter() }, intent, contextOf(resources));

function decided(result: Decided) {
  if (result.outcome !== "decided") throw new Error(JSON.stringify(result));
  return result;
}
const changesOf = (result: Decided) =>
  Object.fromEntries(decided(result).changes.map(({ name, change }) => [name, change]));

describe("an apply", () => {
  it.each<[string, ContextResource[], string]>([
    ["creates what is not there", [], "create"],
    ["creates beside what is being deleted", [existing("files", { deleting: true, status: "DELETING" })], "create"],
    ["leaves alone what is as asked", [existing("files")], "none"],
    ["leaves alone what is on its way there", [existing("files", { status: "SYNCING" })], "none"],
    ["retries what failed as asked", [existing("files", { status: "FAILED" })], "retry"],
    ["updates what differs", [existing("files", { definition: definitionOf("files", { protected: true }) })], "update"],
    [
      "updates, rather than retries, what failed and differs",
      [existing("files", { status: "FAILED", definition: definitionOf("files", { protected: true }) })],
      "update",
    ],
  ])("%s", (_reason, resources, change) =>
    expect(changesOf(decide(applying({ files: bucket }), ...resources))).toEqual({ files: change }),
  );

  it("keeps the id of what is there and gives a new one to what takes a deleted one's name", () => {
    const [kept] = decided(decide(applying({ files: bucket }), existing("files"))).changes;
    expect(kept).toMatchObject({ id: "id-of-files", before: { id: "id-of-files" } });
    const [made] = decided(decide(applying({ files: bucket }), existing("files", { deleting: true }))).changes;
    expect(made).toMatchObject({ id: counter()(), before: null });
  });

  it("resolves no more once there are more faults than anybody reads", () => {
    const resolved: string[] = [];
    const faulty: GoldenPaths = {
      ...goldenPaths,
      resolve({ name, pointer }) {
        resolved.push(name);
        return { ok: false, errors: Array(60).fill({ pointer, message: "wrong" }) };
      },
    };
    const intent = applying({ a: bucket, b: bucket, c: bucket, d: bucket });
    const result = decideChanges({ goldenPaths: faulty, newId: counter() }, intent, contextOf());
    expect(result).toMatchObject({ outcome: "invalid" });
    expect(resolved).toEqual(["a", "b"]);
  });

  it("leaves alone what it does not name", () => {
    expect(changesOf(decide(applying({ files: bucket }), existing("other")))).toEqual({ files: "create" });
  });

  it("stays on the version of the golden path until another is asked for, or another type", () => {
    const versionOf = (result: Decided) => decided(result).changes[0]?.definition.version;
    expect(versionOf(decide(applying({ files: bucket }), existing("files")))).toBe(1);
    expect(versionOf(decide(applying({ files: { ...bucket, version: 2 } }), existing("files")))).toBe(2);
    expect(versionOf(decide(applying({ files: { type: "queue" } }), existing("files")))).toBe(2);
    expect(versionOf(decide(applying({ files: bucket })))).toBe(2);
  });

  it("reports every resource that its golden path refuses, with pointers into the intent", () => {
    const result = decide(applying({ a: { type: "refused" }, b: bucket, c: { type: "refused" } }));
    expect(result).toEqual({
      outcome: "invalid",
      errors: [
        { pointer: "/resources/a/type", message: "refused" },
        { pointer: "/resources/c/type", message: "refused" },
      ],
    });
  });
});

describe("a reference", () => {
  it("makes a dependency on what the same intent makes", () => {
    const [db, app] = decided(decide(applying({ db: bucket, app: using("db") }))).changes;
    expect(app?.dependsOn).toEqual([db?.id]);
    expect(db?.dependsOn).toEqual([]);
  });

  it("makes one on what is there already, and counts it once however often it is used", () => {
    const [app] = decided(decide(applying({ app: using("db", "db") }), existing("db", { definition: null }))).changes;
    expect(app?.dependsOn).toEqual(["id-of-db"]);
  });

  it("in overrides makes one too", () => {
    const [app] = decided(
      decide(applying({ app: { ...bucket, overrides: { Name: url("db") } } }), existing("db")),
    ).changes;
    expect(app?.dependsOn).toEqual(["id-of-db"]);
  });

  it.each<[string, Intent, ContextResource[], string, string]>([
    [
      "to nothing",
      applying({ app: using("nobody") }),
      [],
      "/resources/app/parameters/uses/0",
      'there is no resource "nobody" in this intent or in staging',
    ],
    [
      "to what is being deleted",
      applying({ app: using("db") }),
      [existing("db", { deleting: true })],
      "/resources/app/parameters/uses/0",
      'there is no resource "db" in this intent or in staging',
    ],
    [
      "to an unknown output of what is there",
      applying({ app: { ...bucket, parameters: { a: "${resources.db.outputs.port}" } } }),
      [existing("db", { definition: null, outputKeys: ["host", "url"] })],
      "/resources/app/parameters/a",
      '"db" has no output "port"; it has host, url',
    ],
    [
      "to an unknown output of what the intent makes",
      applying({ db: bucket, app: { ...bucket, overrides: { a: ["${resources.db.outputs.port}"] } } }),
      [],
      "/resources/app/overrides/a/0",
      '"db" has no output "port"; it has arn, url',
    ],
    [
      "to an output of what has none",
      applying({ app: using("db") }),
      [existing("db", { definition: null, outputKeys: [] })],
      "/resources/app/parameters/uses/0",
      '"db" has no output "url"; it has none',
    ],
    [
      "to an output that is only inherited",
      applying({ db: bucket, app: { ...bucket, parameters: { a: "${resources.db.outputs.constructor}" } } }),
      [],
      "/resources/app/parameters/a",
      '"db" has no output "constructor"; it has arn, url',
    ],
  ])("%s is refused where it stands", (_reason, intent, resources, pointer, message) =>
    expect(decide(intent, ...resources)).toEqual({ outcome: "invalid", errors: [{ pointer, message }] }),
  );

  it.each([
    [50, { outcome: "decided" }],
    [
      51,
      {
        outcome: "invalid",
        errors: [
          { pointer: "/resources/app", message: "it uses outputs of 51 other resources, and one can use those of 50" },
        ],
      },
    ],
  ])("to %i others are as many as fit into one row, or too many", (count, expected) => {
    const names = Array.from({ length: count }, (_, index) => `db${index}`);
    expect(decide(applying({ app: using(...names) }), ...names.map((name) => existing(name)))).toMatchObject(expected);
  });

  it("to what the intent names but its golden path refuses is not reported a second time", () => {
    const result = decide(applying({ db: { type: "refused" }, app: using("db") }));
    expect(result).toMatchObject({ outcome: "invalid", errors: [{ pointer: "/resources/db/type" }] });
    expect(result.outcome === "invalid" && result.errors).toHaveLength(1);
  });

  it.each<[string, Intent, ContextResource[], string, string]>([
    ["to itself", applying({ app: using("app") }), [], "/resources/app", "app → app"],
    [
      "in a circle within the intent",
      applying({ a: using("b"), b: using("c"), c: using("a") }),
      [],
      "/resources/a",
      "a → b → c → a",
    ],
    [
      "in a circle through what is there",
      applying({ a: using("b") }),
      [existing("b", { dependsOn: ["id-of-c"] }), existing("c", { dependsOn: ["id-of-a"] }), existing("a")],
      "/resources/a",
      "b → c → a → b",
    ],
  ])("%s is refused, and the way around is named", (_reason, intent, resources, pointer, way) =>
    expect(decide(intent, ...resources)).toEqual({
      outcome: "invalid",
      errors: [{ pointer, message: `these resources need each other: ${way}` }],
    }),
  );

  it("that an apply drops no longer makes a circle", () => {
    const result = decide(
      applying({ a: using("b"), b: bucket }),
      existing("a"),
      existing("b", { dependsOn: ["id-of-a"] }),
    );
    expect(changesOf(result)).toMatchObject({ a: "update" });
  });

  it("makes the decision rest on the other resources, and nothing else does", () => {
    expect(decided(decide(applying({ a: bucket, b: bucket }))).entangled).toBe(false);
    expect(decided(decide(applying({ a: bucket, b: using("a") }))).entangled).toBe(true);
  });
});

describe("a change that takes a new object", () => {
  const before = existing("files", { definition: definitionOf("files", { properties: { Fixed: 1 } }) });
  const intent = applying({ files: { type: "bucket", parameters: { Fixed: 2 } } });

  it("is refused with pointers into the intent", () => {
    expect(decide(intent, before)).toMatchObject({
      outcome: "replacement-required",
      pointers: ["/resources/files/properties/Fixed"],
      message: expect.stringContaining('"files" can only be changed like this by replacing it'),
    });
  });

  it.each<[string, Partial<ContextResource>, string]>([
    ["refused while the object may be in the making", { identifier: null, status: "SYNCING" }, "replacement-required"],
    ["refused when what failed has an object", { status: "FAILED" }, "replacement-required"],
    ["an update where nothing was ever made", { identifier: null, status: "FAILED" }, "decided"],
  ])("is %s", (_reason, more, outcome) => expect(decide(intent, { ...before, ...more }).outcome).toBe(outcome));

  it("is refused even where nothing was made, when the provider's kind is another", () => {
    const definition = { ...definitionOf("files", { properties: { Fixed: 1 } }), kind: "AWS::SQS::Queue" };
    const result = decide(intent, existing("files", { definition, identifier: null, status: "FAILED" }));
    expect(result.outcome).toBe("replacement-required");
  });
});

describe("a delete", () => {
  const a = existing("a");
  const usesA = existing("b", { dependsOn: [a.id] });

  it("takes what it names and leaves the rest", () => {
    expect(changesOf(decide(deleting(["a"]), a, existing("c")))).toEqual({ a: "delete" });
  });

  it("without names takes all there is", () => {
    expect(changesOf(decide(deleting(null), a, usesA))).toEqual({ a: "delete", b: "delete" });
    expect(changesOf(decide(deleting(null)))).toEqual({});
  });

  it("without names takes no more than the rows about an intent hold", () => {
    const many = Array.from({ length: 251 }, (_, number) => existing(`files-${number}`));
    expect(decided(decide(deleting(null), ...many.slice(1))).changes).toHaveLength(250);
    const message =
      "orders has 251 resources in staging, and one intent deletes 250 at most: name which, what uses others first";
    expect(decide(deleting(null), ...many)).toEqual({
      outcome: "invalid",
      errors: [{ pointer: "/resources", message }],
    });
  });

  it("of what is being deleted changes nothing, or tries again where that failed", () => {
    expect(changesOf(decide(deleting(["a"]), { ...a, deleting: true, status: "DELETING" }))).toEqual({ a: "none" });
    expect(changesOf(decide(deleting(["a"]), { ...a, deleting: true, status: "FAILED" }))).toEqual({ a: "retry" });
  });

  it("of what is not there is refused, each name by itself", () => {
    const message = "there is no such resource of orders in staging";
    expect(decide(deleting(["x", "a", "y"]), a)).toEqual({
      outcome: "invalid",
      errors: [
        { pointer: "/resources/x", message },
        { pointer: "/resources/y", message },
      ],
    });
  });

  it("of a service that nobody ever asked for is refused", () => {
    const never = contextOf([], { version: 0 });
    expect(decideChanges({ goldenPaths, newId: counter() }, deleting(null), never)).toEqual({
      outcome: "invalid",
      errors: [{ pointer: "/service", message: 'there is no service "orders" in staging' }],
    });
  });

  it("of what others use is refused and names them", () => {
    expect(decide(deleting(["a"]), a, usesA, existing("c", { dependsOn: [a.id] }))).toMatchObject({
      outcome: "referenced",
      pointer: "/resources/a",
      by: ["b", "c"],
      message: expect.stringContaining('"a" is used by b, c'),
    });
  });

  it("of what others use goes with them, or when they are going already", () => {
    expect(changesOf(decide(deleting(["a", "b"]), a, usesA))).toEqual({ a: "delete", b: "delete" });
    expect(changesOf(decide(deleting(["a"]), a, { ...usesA, deleting: true }))).toEqual({ a: "delete" });
  });

  it("rests on the other resources, which may come to use it meanwhile", () => {
    expect(decided(decide(deleting(["a"]), a)).entangled).toBe(true);
  });

  it("is judged on the definition as it stands", () => {
    expect(decided(decide(deleting(["a"]), a)).changes).toEqual([
      expect.objectContaining({ id: a.id, definition: a.definition, hash: a.definitionHash, before: a }),
    ]);
  });
});
