import type { ProviderCall, Providers } from "../core/provider.ts";
import { logging } from "./log.ts";

/** What a provider's calls log says whose they are. */
export function loggedProviders(providers: Providers): Providers {
  const named = <T>(name: string, { resourceId, kind }: ProviderCall, work: () => T) =>
    logging({ resource: resourceId, provider: name, kind }, work);
  return Object.fromEntries(
    Object.entries(providers).map(([name, provider]) => [
      name,
      {
        ...provider,
        observe: (call) => named(name, call, () => provider.observe(call)),
        apply: (call, observed) => named(name, call, () => provider.apply(call, observed)),
        destroy: (call, observed) => named(name, call, () => provider.destroy(call, observed)),
      },
    ]),
  ) as Providers;
}
