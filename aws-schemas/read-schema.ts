import { readFileSync } from "node:fs";
import type { AwsSchema } from "./aws-schema.ts";
import { openArchive, type SchemaArchive } from "./schema-archive.ts";

/**
 * Where the schemas lie: beside this module. A bundle is one ES module, so there it means beside the bundle, and the
 * bundling step puts an archive of the same name there that holds only the types golden paths use (`packArchive`).
 */
export const defaultLocation = new URL("./aws-schemas.bin", import.meta.url);

const opened = new Map<string, SchemaArchive>();

/** The schemas of an archive file. Opened once; the index is read now, a schema when it is asked for. */
export function openSchemas(location: URL = defaultLocation): SchemaArchive {
  const archive = opened.get(location.href) ?? openArchive(readFileSync(location));
  opened.set(location.href, archive);
  return archive;
}

/** AWS's schema of a type, `AWS::S3::Bucket`; `undefined` for a type the archive does not have. */
export function readSchema(typeName: string): AwsSchema | undefined {
  return openSchemas().read(typeName);
}
