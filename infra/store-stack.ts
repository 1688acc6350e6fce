import type { App } from "aws-cdk-lib";
import { Store } from "./constructs/store.ts";
import { PlacedStack } from "./placed-stack.ts";
import type { Stage } from "./stages/stage.ts";

/** All that holds data. */
export class StoreStack extends PlacedStack {
  readonly store: Store;

  constructor(app: App, id: string, { stage }: { stage: Stage }) {
    const terminationProtection = stage.store.deletionProtection;
    super(app, id, stage, { description: "Cairn: the store", terminationProtection });
    this.store = new Store(this, "Store", stage);
  }
}
