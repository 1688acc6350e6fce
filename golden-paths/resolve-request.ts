import type { Definition, ResolveInput, ResolveResult } from "../core/definition.ts";
import type { FieldError } from "../core/field-error.ts";
import { canonicalJson, type JsonObject } from "../core/json.ts";
import { derivedName } from "../core/names.ts";
import { strayTemplates } from "../core/reference.ts";
import { render, type TemplateScope } from "../core/template.ts";
import { applyOverrides, blame } from "./apply-overrides.ts";
import type { GoldenPath, TierPath } from "./golden-path.ts";
import { ownerTags } from "./owner-tags.ts";
import { renderProperties } from "./render-properties.ts";

/** A definition is stored, hashed and carried by the Data API, whose rows hold 64 KB. */
const maxDefinitionBytes = 32 * 1024;

/** One request with its golden path applied, or everything that is wrong with it. Never throws for what a caller sent. */
export function resolveRequest(path: GoldenPath, input: ResolveInput): ResolveResult {
  const { request, pointer } = input;
  const here = path.tiers[input.tier];
  if (here === undefined) {
    return refuse({ pointer: `${pointer}/type`, message: `${title(path)} is not offered in the tier ${input.tier}` });
  }

  const className = request.class ?? path.file.defaultClass;
  const parameters: JsonObject = { ...here.defaults, ...request.parameters };
  const overrides = request.overrides ?? {};
  const asked = [
    ...checkClass(path, request.class, `${pointer}/class`),
    ...path.parameters().check(parameters, `${pointer}/parameters`),
    ...checkProtection(path, parameters, `${pointer}/parameters`),
    ...checkStray(parameters, `${pointer}/parameters`),
    ...checkStray(overrides, `${pointer}/overrides`),
  ];
  if (asked.length > 0) return { ok: false, errors: asked };

  const target = input.targets[here.variant.provider];
  const unset = here.variant.target.required.filter((name) => !isSet(target, name));
  if (target === undefined || unset.length > 0) return refuse(...missingTarget(input, here, target, unset));
  const externalName = derivedName(input.service, input.name, input.resourceId, here.variant.name);
  const taken = here.variant.name.reserved.find((prefix) => externalName.startsWith(prefix));
  if (taken !== undefined) {
    return refuse({
      pointer,
      message: `${here.variant.kind} takes no name that begins with ${taken}: ${externalName}`,
    });
  }

  const scope = scopeOf(path, here, input, { className, parameters, target, externalName });
  const { properties, errors } = applyOverrides(
    here.variant,
    here.schema().tags,
    renderProperties(here.variant.properties, scope),
    externalName,
    ownerTags(input),
    overrides,
    `${pointer}/overrides`,
  );
  if (errors.length > 0) return { ok: false, errors };
  const refused = here.schema().validate(properties);
  if (refused.length > 0) {
    const from = { pointer, overrides, template: here.variant.properties };
    return refuse(
      ...unique(refused.map((fault) => explain(fault, blame(fault.pointer, from), pointer, here.variant.kind))),
    );
  }

  return limit(pointer, {
    type: path.file.type,
    version: path.file.version,
    class: className,
    parameters,
    overrides: request.overrides ?? null,
    provider: here.variant.provider,
    kind: here.variant.kind,
    properties,
    externalName,
    outputs: render(here.variant.outputs, scope, ["attributes"]) as Definition["outputs"],
    protected: path.file.protection !== null && parameters[path.file.protection] === true,
    monthlyPrice: priceOf(here, className),
  });
}

function checkClass(path: GoldenPath, wanted: string | undefined, pointer: string): FieldError[] {
  const known = Object.keys(path.file.classes);
  if (wanted === undefined || known.includes(wanted)) return [];
  const message = known.length === 0 ? `${title(path)} has no classes` : `must be one of ${known.join(", ")}`;
  return [{ pointer, message }];
}

/** What protects from deletion must be known now, not when another resource is READY. */
function checkProtection(path: GoldenPath, parameters: JsonObject, pointer: string): FieldError[] {
  const { protection } = path.file;
  if (protection === null || typeof parameters[protection] !== "string") return [];
  return [{ pointer: `${pointer}/${protection}`, message: "must be true or false" }];
}

function checkStray(value: JsonObject, pointer: string): FieldError[] {
  const message = "may hold references such as ${resources.NAME.outputs.KEY}, and no other ${…}";
  return strayTemplates(value, pointer).map((at) => ({ pointer: at, message }));
}

function missingTarget(
  input: ResolveInput,
  here: TierPath,
  target: JsonObject | undefined,
  unset: readonly string[],
): FieldError[] {
  const pointer = `${input.pointer}/type`;
  const { provider } = here.variant;
  const where = `on the target ${provider} of the environment ${input.environment}`;
  if (target === undefined) return [{ pointer, message: `the platform team has to set the ${where.slice(7)}` }];
  return [{ pointer, message: `the platform team has to set ${unset.join(", ")} ${where}` }];
}

function scopeOf(
  path: GoldenPath,
  here: TierPath,
  input: ResolveInput,
  known: { className: string | null; parameters: JsonObject; target: JsonObject; externalName: string },
): TemplateScope {
  const nothing = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, null]));
  const { service, name, resourceId } = input;
  return {
    name: known.externalName,
    names: Object.fromEntries(
      Object.entries(here.variant.names).map(([key, alphabet]) => [
        key,
        derivedName(service, name, resourceId, alphabet),
      ]),
    ),
    team: input.team,
    service,
    environment: input.environment,
    tier: input.tier,
    resource: name,
    class: here.variant.classes[known.className ?? ""] ?? {},
    target: { ...nothing(here.variant.target.optional), ...known.target },
    parameters: { ...nothing(Object.keys(path.file.parameters.properties)), ...known.parameters },
  };
}

function explain(fault: FieldError, pointer: string, resource: string, kind: string): FieldError {
  if (pointer !== `${resource}/type`) return { pointer, message: fault.message };
  // Neither an override nor a parameter: the golden path or the target is at fault, which its readers must hear.
  return { pointer, message: `${kind} would refuse ${fault.pointer}: ${fault.message}; ask the platform team` };
}

function priceOf(here: TierPath, className: string | null): Definition["monthlyPrice"] {
  const price = here.variant.monthlyPrice;
  const amount = price?.amounts[className ?? "default"];
  return price === null || amount === undefined ? null : { amount, currency: price.currency };
}

function limit(pointer: string, definition: Definition): ResolveResult {
  const bytes = Buffer.byteLength(canonicalJson(definition));
  if (bytes <= maxDefinitionBytes) return { ok: true, definition };
  const message = `the definition takes ${bytes} bytes with everything filled in, and at most ${maxDefinitionBytes} are kept`;
  return refuse({ pointer, message });
}

function isSet(target: JsonObject | undefined, name: string): boolean {
  return target !== undefined && Object.hasOwn(target, name) && target[name] !== null && target[name] !== "";
}

function title(path: GoldenPath): string {
  return `${path.file.type}@${path.file.version}`;
}

/** One parameter may stand in several properties, and each of them complains. */
function unique(errors: readonly FieldError[]): FieldError[] {
  return [...new Map(errors.map((error) => [`${error.pointer} ${error.message}`, error])).values()];
}

function refuse(...errors: FieldError[]): ResolveResult {
  return { ok: false, errors };
}
