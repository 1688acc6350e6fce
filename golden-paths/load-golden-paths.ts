import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import type { GoldenPaths, ResolveInput, ResolveResult } from "../core/definition.ts";
import { type JsonObject, mergePatch, pointerTo } from "../core/json.ts";
import { blame } from "./apply-overrides.ts";
import { type GoldenPath, prepareGoldenPath } from "./golden-path.ts";
import { GoldenPathError } from "./golden-path-error.ts";
import { goldenPathFile } from "./golden-path-file.ts";
import type { KindSchemas } from "./kind-schema.ts";
import { resolveRequest } from "./resolve-request.ts";

/**
 * Reads every `TYPE@VERSION.yaml` of a folder. A type is added by adding a file. JSON files are read as well: a bundling
 * step that turns YAML into JSON spares the cold start 50 ms of parsing, and the bundle the 100 KB of the YAML parser.
 *
 * @param checked this very folder has been loaded before, by scripts/check-golden-paths.ts: what took a fifth of a cold start is
 *   then left to the first request that needs it
 * @throws {GoldenPathError} naming file and pointer, when one of them cannot be used
 */
export function loadGoldenPaths(folder: URL | string, schemas: KindSchemas, checked = false): GoldenPaths {
  const path = typeof folder === "string" ? folder : fileURLToPath(folder);
  const names = readdirSync(path).filter((name) => [".yaml", ".json"].includes(extname(name)));
  const loaded = names.map((name) => load(path, name, schemas, checked)).sort(byTypeAndVersion);
  const versions = Map.groupBy(loaded, ({ file }) => file.type);
  return {
    list: () => loaded.map(({ listed }) => listed),
    resolve: (input) => resolve(versions, input),
    replacements(before, after) {
      if (before.provider !== after.provider || before.kind !== after.kind) return ["/type"];
      // Any golden path of the kind will do, the newest first: what can be changed in place is the kind's own matter.
      for (const { tiers } of loaded.toReversed()) {
        for (const here of Object.values(tiers)) {
          if (here.variant.kind !== after.kind) continue;
          const overrides = mergePatch(before.overrides ?? {}, after.overrides ?? {}) as JsonObject;
          const asked = { pointer: "", overrides, template: here.variant.properties };
          return here
            .schema()
            .changedCreateOnly(before.properties, after.properties)
            .map((fault) => blame(fault, asked));
        }
      }
      return [];
    },
  };
}

function load(folder: string, name: string, schemas: KindSchemas, checked: boolean): GoldenPath {
  const parsed = goldenPathFile.safeParse(readDocument(folder, name));
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => ({
      pointer: path.reduce<string>((pointer, part) => pointerTo(pointer, String(part)), ""),
      message,
    }));
    throw new GoldenPathError(name, faults);
  }
  const expected = `${parsed.data.type}@${parsed.data.version}${extname(name)}`;
  if (name !== expected) throw new GoldenPathError(name, [{ pointer: "/type", message: `belongs in ${expected}` }]);
  return prepareGoldenPath(name, parsed.data, schemas, checked);
}

function readDocument(folder: string, name: string): unknown {
  const text = readFileSync(join(folder, name), "utf8");
  try {
    return extname(name) === ".json" ? JSON.parse(text) : parse(text);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new GoldenPathError(name, [{ pointer: "", message }], { cause });
  }
}

function resolve(versions: Map<string, GoldenPath[]>, input: ResolveInput): ResolveResult {
  const { request, pointer } = input;
  const known = versions.get(request.type);
  if (known === undefined) {
    const message = `is not a resource type; there are ${[...versions.keys()].join(", ")}`;
    return { ok: false, errors: [{ pointer: `${pointer}/type`, message }] };
  }
  const path =
    request.version === undefined ? known.at(-1) : known.find(({ file }) => file.version === request.version);
  if (path === undefined) {
    const message = `${request.type} has the versions ${known.map(({ file }) => file.version).join(", ")}`;
    return { ok: false, errors: [{ pointer: `${pointer}/version`, message }] };
  }
  return resolveRequest(path, input);
}

function byTypeAndVersion(one: GoldenPath, other: GoldenPath): number {
  if (one.file.type !== other.file.type) return one.file.type < other.file.type ? -1 : 1;
  return one.file.version - other.file.version;
}
