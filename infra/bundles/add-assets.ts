import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { openArchive, packArchive } from "../../aws-schemas/schema-archive.ts";
import type { FunctionSpec } from "../../functions/manifest.ts";
import { goldenPathVariants } from "../golden-path-data.ts";

/**
 * Puts the data a function reads beside its code, where `LAMBDA_TASK_ROOT` points. The owner's functions run the store's SQL;
 * what decides or converges reads golden paths, policies, and AWS's schemas of the types golden paths can make.
 */
export function addAssets(root: string, folder: string, spec: FunctionSpec): void {
  if (spec.storeRoles.includes("owner")) {
    copy(root, folder, "database/migrations", /\.sql$/);
    copy(root, folder, "database/routines", /\.sql$/);
  } else {
    copy(root, folder, "golden-paths", /\.yaml$/, yamlToJson);
    copyFileSync(join(root, "openapi.json"), join(folder, "openapi.json"));
    copy(root, folder, "policies/compiled", /\.(wasm|json)$/);
    mkdirSync(join(folder, "aws-schemas"), { recursive: true });
    writeFileSync(join(folder, "aws-schemas", "aws-schemas.bin"), schemasOfGoldenPaths(root));
  }
}

function copy(root: string, folder: string, from: string, wanted: RegExp, convert = (bytes: Buffer) => bytes): void {
  mkdirSync(join(folder, from), { recursive: true });
  for (const name of readdirSync(join(root, from)).filter((name) => wanted.test(name))) {
    writeFileSync(join(folder, from, name), convert(readFileSync(join(root, from, name))));
  }
}

/** JSON is YAML: under the same name, a bundle reads it without a YAML parser (leave-out.ts). */
function yamlToJson(yaml: Buffer): Buffer {
  return Buffer.from(JSON.stringify(parse(yaml.toString("utf8"))));
}

/** All of AWS's schemas are 800 KB whose index alone takes 6 ms to open; the golden paths' own are a fraction of that. */
function schemasOfGoldenPaths(root: string): Buffer {
  const kinds = new Set(goldenPathVariants(root).map(({ kind }) => kind));
  const all = openArchive(readFileSync(join(root, "aws-schemas", "aws-schemas.bin")));
  const schemas = [...kinds].map((kind) => all.read(kind)).filter((schema) => schema !== undefined);
  return packArchive(schemas);
}
