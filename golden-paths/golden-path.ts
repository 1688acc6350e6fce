import type { ResourceType, Tier } from "../core/definition.ts";
import { tiers } from "../core/definition.ts";
import type { FieldError } from "../core/field-error.ts";
import type { JsonObject } from "../core/json.ts";
import { checkGoldenPath } from "./check-golden-path.ts";
import { GoldenPathError } from "./golden-path-error.ts";
import type { GoldenPathFile, Variant } from "./golden-path-file.ts";
import type { KindSchema, KindSchemas } from "./kind-schema.ts";
import { compileParameterSchema, type ParameterSchema } from "./parameter-schema.ts";

/** A golden path in one tier. `schema` reads the provider's schema at its first call: there are megabytes of them. */
export type TierPath = { variant: Variant; defaults: JsonObject; schema: () => KindSchema };

/** A golden path made ready: checked, its defaults summed up per tier. */
export type GoldenPath = {
  file: GoldenPathFile;
  /** Compiled when it is first asked for. */
  parameters: () => ParameterSchema;
  tiers: { [tier in Tier]?: TierPath };
  listed: ResourceType;
};

/**
 * @param checked this file has been loaded before, and nothing was wrong with it
 * @throws {GoldenPathError} when its parts do not fit each other
 */
export function prepareGoldenPath(
  name: string,
  file: GoldenPathFile,
  schemas: KindSchemas,
  checked: boolean,
): GoldenPath {
  const parameters = once(() => compile(name, file.parameters));
  const paths: GoldenPath["tiers"] = {};
  const faults: FieldError[] = checked ? [] : checkGoldenPath(file);
  for (const [index, variant] of file.variants.entries()) {
    if (!checked && variant.schema === undefined && !schemas.has(variant.kind)) {
      faults.push({
        pointer: `/variants/${index}/kind`,
        message: `no schema of ${variant.kind} is known, and the golden path carries none`,
      });
    }
    const schema = once(() => schemaOf(name, variant, schemas));
    for (const tier of variant.tiers) {
      const defaults = { ...schemaDefaults(file), ...file.defaults[tier] };
      if (!checked) faults.push(...parameters().checkDefaults(defaults, `/defaults/${tier}`));
      paths[tier] = { variant, defaults, schema };
    }
  }
  if (faults.length > 0) throw new GoldenPathError(name, faults);
  return { file, parameters, tiers: paths, listed: listedAs(file, paths) };
}

function compile(name: string, schema: GoldenPathFile["parameters"]): ParameterSchema {
  try {
    return compileParameterSchema(schema as JsonObject);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new GoldenPathError(name, [{ pointer: "/parameters", message }], { cause });
  }
}

function schemaOf(name: string, variant: Variant, schemas: KindSchemas): KindSchema {
  const schema = variant.schema === undefined ? schemas.published(variant.kind) : schemas.carried(variant.schema);
  if (schema === undefined) throw new Error(`${name}: the schema of ${variant.kind} was there when it was loaded`);
  return schema;
}

function schemaDefaults(file: GoldenPathFile): JsonObject {
  const defaults: JsonObject = {};
  for (const [name, schema] of Object.entries(file.parameters.properties)) {
    if (schema.default !== undefined) defaults[name] = schema.default;
  }
  return defaults;
}

function listedAs(file: GoldenPathFile, paths: GoldenPath["tiers"]): ResourceType {
  const offered: ResourceType["tiers"] = {};
  for (const tier of tiers) {
    const path = paths[tier];
    if (path === undefined) continue;
    const { provider, kind, monthlyPrice } = path.variant;
    offered[tier] = {
      provider,
      kind,
      defaults: path.defaults,
      outputs: file.outputs,
      monthlyPrice: monthlyPrice === null ? null : pricesOf(monthlyPrice),
    };
  }
  const { type, version, title, description, classes, defaultClass } = file;
  return {
    type,
    version,
    title,
    description,
    classes,
    defaultClass,
    parameters: file.parameters as JsonObject,
    tiers: offered,
  };
}

function pricesOf({ amounts, ...rest }: NonNullable<Variant["monthlyPrice"]>) {
  return Object.fromEntries(Object.entries(amounts).map(([name, amount]) => [name, { amount, ...rest }]));
}

function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
