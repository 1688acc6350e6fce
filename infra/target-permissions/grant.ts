/** What a target's role may do: one statement of its policy. */
export type Grant = {
  actions: string[];
  resources: string[];
  conditions?: { [operator: string]: { [key: string]: string | string[] } };
  /** Why it is not narrower: each `*` in its resources is answered by this. */
  reason: string;
};

export type Place = {
  partition: string;
  account: string;
  region: string;
  /** The target's own values: an ARN among them narrows what it is an ARN of. */
  values: { [key: string]: string | string[] };
};

/** Statements that differ in their actions alone, as one; those within a statement stand in order, so that synth repeats. */
export function mergeGrants(grants: readonly Grant[]): Grant[] {
  const merged = new Map<string, Grant>();
  for (const { actions, resources, conditions, reason } of grants) {
    const key = JSON.stringify([[...resources].sort(), conditions, reason]);
    const before = merged.get(key)?.actions ?? [];
    merged.set(key, {
      actions: [...new Set([...before, ...actions])].sort(),
      resources: [...resources].sort(),
      ...(conditions === undefined ? {} : { conditions }),
      reason,
    });
  }
  return [...merged.values()];
}
