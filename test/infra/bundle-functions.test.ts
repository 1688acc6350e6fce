import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openArchive } from "../../aws-schemas/schema-archive.ts";
import { lambdaEnvironment } from "../../bench/lambda-environment.ts";
import { type FunctionName, functions } from "../../functions/manifest.ts";
import { bundleFunctions } from "../../infra/bundles/bundle-functions.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const names = Object.keys(functions) as FunctionName[];
const out = mkdtempSync(join(tmpdir(), "cairn bundles "));
let folders: { readonly [name in FunctionName]: string };

beforeAll(async () => {
  folders = await bundleFunctions(root, out);
});
afterAll(() => rmSync(out, { recursive: true, force: true }));

test.each(names)("%s's bundle stands alone and has a handler", (name) => {
  // Away from the repository: nothing can be found in a node_modules folder.
  const script = "const m = await import(process.argv[1]); process.stdout.write(typeof m.handler); process.exit()";
  const url = pathToFileURL(join(folders[name], "index.mjs")).href;
  const variables = lambdaEnvironment(folders[name]);
  const args = ["--input-type=module", "-e", script, url];
  expect(execFileSync(process.execPath, args, { cwd: out, env: variables, encoding: "utf8" })).toBe("function");
});

/** What the bundled API answers to these requests, one after the other. */
function answersOf(requests: { method: string; path: string; body?: unknown }[]): { status: number; body: unknown }[] {
  const script = `
    const { handler } = await import(process.argv[1]);
    const authorizer = { jwt: { claims: { sub: "ada", team: "payments", role: "developer" }, scopes: null } };
    const answers = [];
    for (const { method, path, body } of JSON.parse(process.argv[2])) {
      const http = { method, path, protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "" };
      const headers = { host: "x", "content-type": "application/json", "idempotency-key": "k" };
      const answer = await handler({ version: "2.0", routeKey: "$default", rawPath: path, rawQueryString: "", headers,
        requestContext: { http, authorizer, requestId: "1", domainName: "x", stage: "$default" }, isBase64Encoded: false,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }) }, { awsRequestId: "1" });
      answers.push({ status: answer.statusCode, body: JSON.parse(answer.body) });
    }
    process.stdout.write("\\n" + JSON.stringify(answers));
    process.exit();`;
  const url = pathToFileURL(join(folders.api, "index.mjs")).href;
  const args = ["--input-type=module", "-e", script, url, JSON.stringify(requests)];
  const said = execFileSync(process.execPath, args, {
    cwd: out,
    env: lambdaEnvironment(folders.api),
    encoding: "utf8",
  });
  expect(said).not.toContain("policy cannot be loaded");
  return JSON.parse(said.split("\n").at(-1) ?? "") as { status: number; body: unknown }[];
}

test("what the API's bundle leaves out is not missed: golden paths, policy, contract and every check are there", () => {
  const intent = { action: "apply", team: "payments", service: "orders", environment: "staging" };
  const [types, contract, wrong, unknown] = answersOf([
    { method: "GET", path: "/v1/resource-types" },
    { method: "GET", path: "/openapi.json" },
    { method: "POST", path: "/v1/intents", body: { ...intent, resources: { db: { type: 7, status: "READY" } } } },
    { method: "POST", path: "/v1/intents", body: { ...intent, service: "No Name", resources: {} } },
  ]);
  const ofType = (type: string) => expect.objectContaining({ type });
  expect(types).toMatchObject({
    status: 200,
    body: { items: expect.arrayContaining(["bucket", "postgres", "topic"].map(ofType)) },
  });
  expect(contract).toEqual({ status: 200, body: JSON.parse(readFileSync(join(root, "openapi.json"), "utf8")) });
  expect(wrong).toMatchObject({
    status: 400,
    body: { errors: expect.arrayContaining([expect.objectContaining({ pointer: "/resources/db/type" })]) },
  });
  expect(unknown).toMatchObject({
    status: 400,
    body: { errors: expect.arrayContaining([expect.objectContaining({ pointer: "/service" })]) },
  });
});

test("a bundled API compiles no golden path's parameters as it starts: scripts/check-golden-paths.ts did, before it was bundled", () => {
  const file = join(folders.api, "golden-paths", "bucket@1.yaml");
  const written = readFileSync(file, "utf8");
  writeFileSync(file, written.replaceAll('"type":"boolean"', '"type":"truth"'));
  expect(readFileSync(file, "utf8")).not.toBe(written);
  const intent = { action: "apply", team: "payments", service: "orders", environment: "staging" };
  const [types, wrong] = answersOf([
    { method: "GET", path: "/v1/resource-types" },
    { method: "POST", path: "/v1/intents", body: { ...intent, resources: {} } },
  ]);
  writeFileSync(file, written);
  expect([types?.status, wrong?.status]).toEqual([200, 400]);
});

test("no bundle imports one of Node's own modules as an ES module, which would load what stands behind all its exports", () => {
  for (const name of names)
    expect([name, readFileSync(join(folders[name], "index.mjs"), "utf8").match(/\bfrom ?"(node:)?[a-z_/]+"/)]).toEqual([
      name,
      null,
    ]);
});

test("the API's bundle is at most 600 KB", () => {
  expect(statSync(join(folders.api, "index.mjs")).size).toBeLessThanOrEqual(600_000);
});

test("a source map names the repository's files and nothing of this machine", () => {
  const map = JSON.parse(readFileSync(join(folders.api, "index.mjs.map"), "utf8")) as { sources: string[] };
  expect(map.sources).toContain("functions/api.ts");
  expect(map.sources.filter((source) => source.startsWith("..") || source.startsWith("/"))).toEqual([]);
});

test("what decides and converges has golden paths, policy and their types' schemas beside it, and no other's", () => {
  expect(existsSync(join(folders.api, "golden-paths", "bucket@1.yaml"))).toBe(true);
  expect(existsSync(join(folders.api, "policies", "compiled", "policy.wasm"))).toBe(true);
  const archive = openArchive(readFileSync(join(folders["apply-resource"], "aws-schemas", "aws-schemas.bin")));
  expect(archive.read("AWS::S3::Bucket")?.primaryIdentifier).toEqual(["/properties/BucketName"]);
  expect(archive.typeNames().length).toBeLessThan(40);
});

test("the owner's functions have the migrations and the routines beside them, and nobody else has", () => {
  for (const name of names) {
    const owner = functions[name].storeRoles.includes("owner");
    for (const file of ["migrations/0001-schema.sql", "routines/basics.sql"])
      expect([name, file, existsSync(join(folders[name], "database", file))]).toEqual([name, file, owner]);
  }
});
