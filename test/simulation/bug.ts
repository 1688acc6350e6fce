import type { Providers } from "../../core/provider.ts";
import type { Database } from "../../database/data-api.ts";
import type { UseCases } from "./tasks.ts";

/** How a planted bug gets between the product's parts; its files stay as they are. */
export type Bug = {
  use?: Partial<UseCases>;
  database?: (database: Database) => Database;
  providers?: (providers: Providers) => Providers;
};
