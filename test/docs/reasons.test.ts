import { readdirSync, readFileSync } from "node:fs";
import { HandlerErrorCode } from "@aws-sdk/client-cloudcontrol";
import { expect, test } from "vitest";
import { resource } from "../../api/schemas/resource.ts";
import { providerCodePattern } from "../../core/resource.ts";
import { failureOf } from "../../providers/aws/failures.ts";

// docs/reasons.md says what to do about each code. Here it is held to the codes that there are.

const root = new URL("../../", import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), "utf8");
const [, ofReasons = "", ofProviders = ""] = read("docs/reasons.md").split("\n## ");
const codesOf = (table: string) =>
  [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, code = ""]) => code),
  );

test("every code of a reason has its row, and no row is of another", () => {
  expect(codesOf(ofReasons).sort()).toEqual([...resource.shape.reason.unwrap().shape.code.options].sort());
});

test("every code that Cloud Control's handlers end with has its row", () => {
  const codes = Object.values(HandlerErrorCode).map((code) => failureOf("AWS::S3::Bucket", code, "", []).code);
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !codesOf(ofProviders).includes(code))).toEqual([]);
});

/** What is a failure's code in the sources: the text in capitals that is handed to what makes one. */
const made =
  /(?:failure\(\s*call\.kind,|rejected\(|notNow\(\s*"\w+",|\bcode:|export const vanished =)\s*"([A-Z][A-Z_]+)"/g;
const sources = [...filesIn("providers"), "control/observe-resource.ts", "core/provider.ts"];

test("every code that Cairn gives by itself has its row", () => {
  const codes = new Set(sources.flatMap((path) => [...read(path).matchAll(made)].map(([, code = ""]) => code)));
  expect(codes.size).toBeGreaterThan(18);
  expect([...codes].filter((code) => !codesOf(ofProviders).includes(code))).toEqual([]);
});

test("every row's code is one that can be kept", () => {
  for (const code of codesOf(ofProviders)) expect(code).toMatch(providerCodePattern);
});

function filesIn(folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .map((path) => `${folder}/${path}`);
}
