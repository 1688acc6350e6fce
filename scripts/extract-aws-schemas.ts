// Development only: takes AWS's resource schemas out of cfn-lint's PyPI package (MIT-0) and writes
// aws-schemas/aws-schemas.bin. Needs Python 3 with venv; users of Cairn need neither. Run it as
//   node scripts/extract-aws-schemas.ts
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AwsSchema } from "../aws-schemas/aws-schema.ts";
import { defaultLocation } from "../aws-schemas/read-schema.ts";
import { packArchive } from "../aws-schemas/schema-archive.ts";

const release = "1.58.0";
// Of a schema and of any schema inside it: words for people, and what nothing here reads.
const leftOut = new Set(["description", "title", "examples", "$comment", "$schema", "$id", "relationshipRef"]);
const leftOutOfAType = new Set(["sourceUrl", "documentationUrl", "resourceLink", "lifecycle", "replacementStrategy"]);
// Below these keys come names, not keywords: a property may well be called `description`.
const mapsOfSchemas = new Set(["properties", "patternProperties", "definitions", "dependencies"]);

const home = mkdtempSync(join(tmpdir(), "cairn-schemas-"));
try {
  execFileSync("python3", ["-m", "venv", home]);
  execFileSync(join(home, "bin", "pip"), ["install", "--quiet", "--no-deps", `cfn-lint==${release}`]);
  const python = readdirSync(join(home, "lib")).find((name) => name.startsWith("python")) ?? "";
  const data = join(home, "lib", python, "site-packages", "cfnlint", "data", "schemas");
  const files = readJson(join(data, "providers", "us-east-1.json")) as { [typeName: string]: string };
  const schemas = Object.values(files)
    .map((file) => readJson(join(data, "resources", `${file}.json`)) as AwsSchema)
    .filter((schema) => schema.handlers !== undefined)
    .map((schema) => withoutWords(schema, false) as AwsSchema)
    .map(
      (schema) => Object.fromEntries(Object.entries(schema).filter(([key]) => !leftOutOfAType.has(key))) as AwsSchema,
    );
  const archive = packArchive(schemas);
  writeFileSync(defaultLocation, archive);
  console.log(`${schemas.length} types of ${Object.keys(files).length}, ${archive.length} bytes`);
} finally {
  rmSync(home, { recursive: true, force: true });
}

function withoutWords(value: unknown, isMap: boolean): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutWords(item, false));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => isMap || !leftOut.has(key))
      .map(([key, member]) => [key, withoutWords(member, !isMap && mapsOfSchemas.has(key))]),
  );
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
