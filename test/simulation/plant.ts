import type { ReconcileDeps } from "../../control/reconcile-step.ts";
import type { Observation, Provider, ProviderCall, Providers } from "../../core/provider.ts";
import type { Database } from "../../database/data-api.ts";
import type { Bug } from "./bug.ts";
import type { Case } from "./systematic.ts";

/** A bug of the protocol, put in from outside: the product's files stay as they are. */
export type Plant = {
  name: string;
  bug: Bug;
  /** Where chance would need more than some hundred seeds: the systematic case that catches it. */
  systematic?: Case;
  /** Or the story of `unseen-ends.ts` that does. */
  unseenEnd?: string;
  /** What a plant in SQL replaces: it has to be there, or the plant plants nothing. */
  swaps?: readonly (readonly [from: string, to: string])[];
};

export const swapping = (name: string, ...pairs: string[]): Plant => ({
  name,
  bug: {},
  swaps: pairs.flatMap((from, index) => (index % 2 === 0 ? [[from, pairs[index + 1] ?? ""] as const] : [])),
});

/** Puts the plant into functions and statements, and remembers whether there was a place for all of it. */
export function patchOf({ swaps = [] }: Plant): { patch: (sql: string) => string; planted: () => boolean } {
  const found = new Set<string>();
  const patch = (sql: string) =>
    swaps.reduce((text, [from, to]) => {
      if (text.includes(from)) found.add(from);
      return text.replaceAll(from, to);
    }, sql);
  return { patch, planted: () => found.size === swaps.length };
}

/** Changes the parameters or the text of single statements on their way to the database. */
export const database =
  (change: (sql: string, parameters: { [name: string]: unknown }) => string): NonNullable<Bug["database"]> =>
  (inner: Database) => ({
    ...inner,
    rows: (sql, parameters = {}) => {
      const changed = { ...parameters };
      return inner.rows(change(sql, changed), changed);
    },
  });

/** The same providers, each changed. */
export function changed(providers: Providers, change: (provider: Provider) => Partial<Provider>): Providers {
  return Object.fromEntries(
    Object.entries(providers).map(([name, provider]) => [name, { ...provider, ...change(provider) }]),
  );
}

/** The same dependencies, with providers that look as `observe` says. */
export function observing(
  deps: ReconcileDeps,
  observe: (provider: Provider, call: ProviderCall) => Promise<Observation>,
): ReconcileDeps {
  const providers = changed(deps.providers, (provider) => ({ observe: (call) => observe(provider, call) }));
  return { ...deps, providers };
}
