import { type App, Stack } from "aws-cdk-lib";
import { Store } from "./constructs/store.ts";
import type { Stage } from "./stages/stage.ts";

/** All that holds data. */
export class StoreStack extends Stack {
  readonly store: Store;

  constructor(app: App, id: string, { stage }: { stage: Stage }) {
    super(app, id, { description: "Cairn: the store", terminationProtection: stage.store.deletionProtection });
    this.store = new Store(this, "Store", stage.store);
  }
}
