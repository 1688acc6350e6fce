/** The value at a reference path such as `$.a.b[0]`, or the input itself without one. What else a path may say is not known here. */
export function readPath(path: unknown, input: unknown): unknown {
  if (path === undefined) return input;
  if (typeof path !== "string" || !/^\$(\.[\w-]+|\[\d+\])*$/.test(path)) return undefined;
  return Array.from(path.matchAll(/[\w-]+/g), ([step]) => step).reduce<unknown>(
    (value, step) =>
      typeof value === "object" && value !== null ? (value as { [key: string]: unknown })[step] : undefined,
    input,
  );
}
