import { tiers } from "../core/definition.ts";
import type { FieldError } from "../core/field-error.ts";
import { type Json, mapStrings, pointerTo } from "../core/json.ts";
import type { GoldenPathFile, Variant } from "./golden-path-file.ts";

/** What a template may begin with, and which parts of the file say what may follow. */
const always = ["name", "team", "service", "environment", "tier", "resource"];

/** What the format cannot say: that the parts of a golden path fit each other. Empty when they do. */
export function checkGoldenPath(file: GoldenPathFile): FieldError[] {
  return [...checkClasses(file), ...checkProtection(file), ...checkTiers(file), ...file.variants.flatMap(check)];

  function check(variant: Variant, index: number): FieldError[] {
    const at = pointerTo("/variants", index);
    return [
      ...sameNames(`${at}/classes`, Object.keys(file.classes), Object.keys(variant.classes)),
      ...sameNames(`${at}/outputs`, Object.keys(file.outputs), Object.keys(variant.outputs)),
      ...(variant.monthlyPrice === null
        ? []
        : sameNames(`${at}/monthlyPrice/amounts`, priceNames(file), Object.keys(variant.monthlyPrice.amounts))),
      ...checkNameProperty(variant, at),
      ...checkTemplate(file, variant, variant.properties, `${at}/properties`, ["parameters"]),
      // No parameter in an output: what a caller wrote must never be read as a template over attributes.
      ...checkTemplate(file, variant, variant.outputs, `${at}/outputs`, ["attributes"]),
    ];
  }
}

function checkClasses(file: GoldenPathFile): FieldError[] {
  const names = Object.keys(file.classes);
  if (file.defaultClass === null) {
    return names.length === 0 ? [] : [{ pointer: "/defaultClass", message: "must name one of the classes" }];
  }
  return names.includes(file.defaultClass) ? [] : [{ pointer: "/defaultClass", message: "is not among the classes" }];
}

function checkProtection(file: GoldenPathFile): FieldError[] {
  if (file.protection === null) return [];
  const { protection } = file;
  if (file.parameters.properties[protection]?.type !== "boolean") {
    return [{ pointer: "/protection", message: "must name a parameter of type boolean" }];
  }
  return file.variants
    .flatMap((variant) => variant.tiers)
    .filter((tier) => typeof defaultOf(file, tier, protection) !== "boolean")
    .map((tier) => ({ pointer: `/defaults/${tier}`, message: `must say what ${protection} is` }));
}

function checkTiers(file: GoldenPathFile): FieldError[] {
  const offered = file.variants.flatMap((variant) => variant.tiers);
  return tiers
    .filter((tier) => offered.indexOf(tier) !== offered.lastIndexOf(tier))
    .map((tier) => ({ pointer: "/variants", message: `the tier ${tier} is in two of them` }));
}

function checkNameProperty(variant: Variant, at: string): FieldError[] {
  if (!Object.hasOwn(variant.properties, variant.name.property)) return [];
  const pointer = pointerTo(`${at}/properties`, variant.name.property);
  return [{ pointer, message: "takes the derived name, which is filled in" }];
}

function checkTemplate(
  file: GoldenPathFile,
  variant: Variant,
  template: Json,
  pointer: string,
  more: readonly string[],
): FieldError[] {
  const faults: FieldError[] = [];
  mapStrings(
    template,
    (text, at) => {
      for (const [written, path = ""] of text.matchAll(/\$\{([^{}]*)\}/g)) {
        const whole = written === text;
        const message = faultIn(path, whole);
        if (message !== null) faults.push({ pointer: at, message: `${written} ${message}` });
      }
      if (text.replaceAll(/\$\{[^{}]*\}/g, "").includes("${")) faults.push({ pointer: at, message: "is not closed" });
      return text;
    },
    pointer,
  );
  return faults;

  function faultIn(path: string, whole: boolean): string | null {
    const [first = "", second = "", ...rest] = path.split(".");
    if (always.includes(first)) return second === "" ? null : "has no members";
    if (first === "attributes" && more.includes(first)) return second === "" ? "must name an attribute" : null;
    if (rest.length > 0) return "goes too deep";
    if (first === "names") return Object.hasOwn(variant.names, second) ? null : "is not among the names";
    if (first === "class") {
      const known = Object.values(variant.classes);
      return known.length > 0 && known.every((values) => Object.hasOwn(values, second))
        ? null
        : "is not in every class";
    }
    if (first === "target") {
      if (variant.target.required.includes(second)) return null;
      if (!variant.target.optional.includes(second)) return "is neither a required nor an optional target value";
      return whole ? null : "is optional, so it must stand alone";
    }
    if (first === "parameters" && more.includes(first)) {
      if (!Object.hasOwn(file.parameters.properties, second)) return "is not among the parameters";
      return whole || alwaysSet(file, variant, second) ? null : "may be left out, so it must stand alone";
    }
    return `may not be read here; what can be read is ${[...always, "names", "class", "target", ...more].join(", ")}`;
  }
}

function alwaysSet(file: GoldenPathFile, variant: Variant, parameter: string): boolean {
  if (file.parameters.required.includes(parameter)) return true;
  return variant.tiers.every((tier) => defaultOf(file, tier, parameter) !== undefined);
}

function defaultOf(file: GoldenPathFile, tier: Variant["tiers"][number], parameter: string): Json | undefined {
  return file.defaults[tier]?.[parameter] ?? file.parameters.properties[parameter]?.default;
}

function priceNames(file: GoldenPathFile): string[] {
  const names = Object.keys(file.classes);
  return names.length === 0 ? ["default"] : names;
}

function sameNames(pointer: string, expected: readonly string[], actual: readonly string[]): FieldError[] {
  const missing = expected.filter((name) => !actual.includes(name)).map((name) => `${name} is missing`);
  const unknown = actual.filter((name) => !expected.includes(name)).map((name) => `${name} is not declared`);
  return [...missing, ...unknown].map((message) => ({ pointer, message }));
}
