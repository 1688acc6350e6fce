/**
 * Fills `${function-name}` in a definition with that function's ARN. Every placeholder needs a value and every value a
 * placeholder, so that the grants made from the same list are exactly what the definition uses.
 *
 * @throws {Error} naming the file and what does not match
 */
export function fillPlaceholders(
  file: string,
  definition: string,
  values: { readonly [name: string]: string },
): string {
  const used = new Set<string>();
  const filled = definition.replaceAll(/\$\{([^{}]*)\}/g, (written, name: string) => {
    const value = Object.hasOwn(values, name) ? values[name] : undefined;
    if (value === undefined)
      throw new Error(`${file}: ${written} is not a task of this machine in functions/manifest.ts`);
    used.add(name);
    return value;
  });
  const unused = Object.keys(values).filter((name) => !used.has(name));
  if (unused.length > 0) throw new Error(`${file}: never uses ${unused.join(", ")}, which functions/manifest.ts names`);
  return filled;
}
