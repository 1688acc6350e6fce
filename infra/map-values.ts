/** `Object.entries` loses the keys' type; what infra builds from the manifest keeps it. */
export function mapValues<K extends string, V, R>(record: { readonly [key in K]: V }, map: (value: V, key: K) => R) {
  const entries = Object.entries(record) as [K, V][];
  return Object.fromEntries(entries.map(([key, value]) => [key, map(value, key)])) as { readonly [key in K]: R };
}
