import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { paceOf } from "../../control/pace.ts";
import { type FunctionName, functions, machines, schedules } from "../../functions/manifest.ts";
import { readDefinition } from "../statemachines/run-scenario.ts";
import { loadFunction } from "./load-function.ts";

const root = new URL("../../", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, root), "utf8");
const names = Object.keys(functions) as FunctionName[];
/** It asks for the other roles' logins when it runs, and for its own role's database when it loads. */
const asksLater = (name: FunctionName, role: string) => name === "migrate" && role !== "owner";

describe.each(names)("the function %s", (name) => {
  const spec = functions[name];
  const source = read(spec.entry);

  it("loads in the environment that the manifest gives it", async () => {
    expect(await loadFunction(name)).toBeTypeOf("function");
  });

  it("asks of providers what the manifest says", () => {
    const locates = /\bcloudControlIn\b/.test(source) ? "locate" : "none";
    const asks = /\bproviders\("(look|change)"\)/.exec(source)?.[1];
    const use = asks === undefined ? locates : asks === "look" ? "read" : "write";
    expect(use).toBe(spec.providers);
  });

  it("is a handler of a few lines", () => {
    expect(source.trimEnd().split("\n").length).toBeLessThanOrEqual(30);
  });
});

const secrets = names.flatMap((name) =>
  functions[name].storeRoles.filter((role) => !asksLater(name, role)).map((role) => [name, role] as const),
);
it.each(secrets)("%s needs the secret %s that it may read", async (name, role) => {
  const variable = `CAIRN_STORE_SECRET_${role.toUpperCase()}`;
  await expect(loadFunction(name, { secret: role })).rejects.toThrow(`${variable} is not set`);
});

it.each(names.filter((name) => functions[name].starts.length > 0))(
  "%s needs the machines that it may start",
  async (name) => {
    await expect(loadFunction(name, { machines: true })).rejects.toThrow("CAIRN_MACHINE_ARN_PREFIX is not set");
  },
);

describe("the manifest", () => {
  it("gives every task of a state machine more time than its function has", () => {
    for (const machine of ["reconcile", "drift"] as const) {
      for (const [name, { Type, Resource = "", TimeoutSeconds }] of Object.entries(readDefinition(machine).States)) {
        if (Type !== "Task") continue;
        const called = functions[Resource.slice(2, -1) as FunctionName];
        expect(TimeoutSeconds, `${machine}: ${name}`).toBeGreaterThanOrEqual(called.timeoutSeconds);
      }
    }
  });

  it("gives a function that asks a provider more time than the provider is given", () => {
    const { providerSeconds } = paceOf(60);
    for (const name of ["observe-resource", "apply-resource"] as const)
      expect(functions[name].timeoutSeconds).toBeGreaterThan(providerSeconds);
  });

  it("gives drift time for a whole batch of looks that all run out of time", () => {
    const batch = Number(/const batch = (\d+);/.exec(read("functions/claim-drift.ts"))?.[1]);
    const parallel = Number(/parallel: (\d+)/.exec(read("functions/observe-drift.ts"))?.[1]);
    const seconds = Number(/Math\.min\((\d+), pace/.exec(read("functions/observe-drift.ts"))?.[1]);
    expect(Math.ceil(batch / parallel) * seconds).toBeLessThan(functions["observe-drift"].timeoutSeconds);
  });

  it("has every function used: by a machine, a schedule, the entrance, a deployment or Secrets Manager", () => {
    const targets = Object.values(schedules).map(({ target }) =>
      "function" in target ? target.function : target.machine,
    );
    const used = new Set([...Object.values(machines).flatMap(({ tasks }) => tasks), ...targets, "api", "migrate"]);
    for (const name of names) if (functions[name].rotates !== undefined) used.add(name);
    expect(names.filter((name) => !used.has(name))).toEqual([]);
  });

  it("sweeps within a minute, and no run outlasts the time to the next", () => {
    expect(functions.sweep.timeoutSeconds).toBeLessThan((schedules.sweep?.rateMinutes ?? 0) * 60);
  });

  it("has one list entry for each handler in the folder", () => {
    const files = readdirSync(new URL("functions/", root)).filter((file) =>
      /export const handler/.test(read(`functions/${file}`)),
    );
    expect(files.map((file) => `functions/${file}`).toSorted()).toEqual(
      names.map((name) => functions[name].entry).toSorted(),
    );
  });
});

it("reads the environment in functions/runtime.ts and nowhere else in the product", () => {
  const product = [
    "api",
    "aws-schemas",
    "control",
    "core",
    "database",
    "functions",
    "golden-paths",
    "policies",
    "providers",
  ];
  const readers = product.flatMap((room) =>
    readdirSync(new URL(`${room}/`, root), { recursive: true, encoding: "utf8" })
      .map((file) => `${room}/${file.replaceAll("\\", "/")}`)
      .filter(
        (file) => file.endsWith(".ts") && /process\s*(\?\.|\.)\s*env|process\[|from "node:process"/.test(read(file)),
      ),
  );
  expect(readers).toEqual(["functions/runtime.ts"]);
});
