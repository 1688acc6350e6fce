import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
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

test("what the API's bundle leaves out is not missed: golden paths and policy load, and it answers", () => {
  const script = `
    const { handler } = await import(process.argv[1]);
    const http = { method: "GET", path: "/v1/resource-types", protocol: "HTTP/1.1", sourceIp: "127.0.0.1", userAgent: "" };
    const authorizer = { jwt: { claims: { sub: "ada", team: "payments", role: "developer" }, scopes: null } };
    const event = { version: "2.0", routeKey: "$default", rawPath: http.path, rawQueryString: "", headers: { host: "x" },
      requestContext: { http, authorizer, requestId: "1", domainName: "x", stage: "$default" }, isBase64Encoded: false };
    const { statusCode, body } = await handler(event, { awsRequestId: "1" });
    process.stdout.write("\\n" + JSON.stringify({ statusCode, types: JSON.parse(body).items?.map(({ type }) => type) }));
    process.exit();`;
  const url = pathToFileURL(join(folders.api, "index.mjs")).href;
  const variables = lambdaEnvironment(folders.api);
  const args = ["--input-type=module", "-e", script, url];
  const said = execFileSync(process.execPath, args, { cwd: out, env: variables, encoding: "utf8" });
  expect(said).not.toContain("policy cannot be loaded");
  expect(JSON.parse(said.split("\n").at(-1) ?? "")).toMatchObject({
    statusCode: 200,
    types: expect.arrayContaining(["bucket", "postgres", "topic"]),
  });
});

test("the API's bundle is at most 700 KB", () => {
  expect(statSync(join(folders.api, "index.mjs")).size).toBeLessThanOrEqual(700_000);
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

test("the owner's functions have the migrations beside them, and nobody else has", () => {
  for (const name of names) {
    const owner = functions[name].storeRoles.includes("owner");
    expect([name, existsSync(join(folders[name], "database", "migrations", "0001-schema.sql"))]).toEqual([name, owner]);
  }
});
