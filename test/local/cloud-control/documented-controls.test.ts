import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTestCloud, type TestCloud } from "./with-cloud.ts";

// What docs/local-aws.md says of `/_sim/`, held to what answers there.

const page = readFileSync(new URL("../../../docs/local-aws.md", import.meta.url), "utf8");
const part = page.slice(page.indexOf("## A cloud that is slow"), page.indexOf("## Step Functions"));
const puts = [...part.matchAll(/-X PUT \$SIM\/(\w+) -d '(.+)'/g)].map(([, route = "", body = ""]) => ({ route, body }));

let cloud: TestCloud;
beforeEach(async () => {
  cloud = await startTestCloud();
});
afterEach(async () => {
  await cloud.stop();
  cloud.remove();
});

/** The names in the first column of the table under this heading, with what stands in the second. */
function table(heading: string): Map<string, string> {
  const [, lines = ""] = new RegExp(`^\\| ${heading} \\|.*\\n\\|[-|]+\\n((?:\\|.*\\n)+)`, "m").exec(part) ?? [];
  return new Map(
    lines
      .trim()
      .split("\n")
      .flatMap((line) => {
        const [, names = "", otherwise = ""] = line.split("|");
        return [...names.matchAll(/`(\w+)`/g)].map(
          ([, name = ""]) => [name, otherwise.replaceAll("`", "").trim()] as const,
        );
      }),
  );
}

test.each(puts)("PUT $route $body is taken as it stands there", async ({ route, body }) => {
  const answer = await cloud.sim("PUT", route, JSON.parse(body));
  expect([answer.status, answer.body]).toMatchObject([
    200,
    route === "faults" ? { items: JSON.parse(body) } : JSON.parse(body),
  ]);
});

test("there are examples of both", () => {
  expect(new Set(puts.map(({ route }) => route))).toEqual(new Set(["settings", "faults"]));
});

test("each setting is named with what it is at first", async () => {
  const { body } = await cloud.sim("GET", "settings");
  expect(Object.fromEntries(table("setting"))).toEqual(
    Object.fromEntries(Object.entries(body).map(([name, value]) => [name, JSON.stringify(value)])),
  );
});

test("each part of a fault is named with what it is when left out", async () => {
  const { body } = await cloud.sim("PUT", "faults", [{ error: "ThrottlingException" }]);
  const { error, ...otherwise } = body.items[0] ?? {};
  expect(Object.fromEntries(table("fault"))).toEqual({
    ...Object.fromEntries(Object.entries(otherwise).map(([name, value]) => [name, JSON.stringify(value)])),
    error: "",
  });
});

test.each([...part.matchAll(/`(GET|PUT) (\w+)`/g)].map(([, method = "", path = ""]) => ({ method, path })))(
  "$method $path is there",
  async ({ method, path }) => {
    const { status } = await cloud.sim(method, path, method === "GET" ? undefined : path === "faults" ? [] : {});
    expect(status).toBe(200);
  },
);
