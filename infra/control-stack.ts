import { type App, CfnOutput, Stack } from "aws-cdk-lib";
import { functions, machines } from "../functions/manifest.ts";
import type { CairnOptions } from "./cairn-options.ts";
import { ControlFunction } from "./constructs/control-function.ts";
import { ControlMachine } from "./constructs/control-machine.ts";
import { HttpEntrance } from "./constructs/http-entrance.ts";
import { Migrations } from "./constructs/migrations.ts";
import { Schedules } from "./constructs/schedules.ts";
import type { Store } from "./constructs/store.ts";
import { mapValues } from "./map-values.ts";

export type ControlStackOptions = CairnOptions & { store: Store };

/** All that holds no data: it can be deleted and deployed again, and goes on where the store says. */
export class ControlStack extends Stack {
  constructor(app: App, id: string, { stage, root, bundles, store }: ControlStackOptions) {
    super(app, id, { description: "Cairn: API, functions, state machines, schedules" });

    const made = mapValues(
      functions,
      (spec, name) => new ControlFunction(this, name, { name, spec, stage, store, bundle: bundles[name] }),
    );
    const handlers = mapValues(made, ({ handler }) => handler);
    const started = mapValues(
      machines,
      (spec, name) => new ControlMachine(this, `machine-${name}`, { name, spec, stage, root, handlers }).machine,
    );

    const { migrate, ...serving } = made;
    new Migrations(this, "migrations", { handler: migrate.handler, before: Object.values(serving) });
    new Schedules(this, "schedules", { handlers, machines: started });
    const { api } = new HttpEntrance(this, "http", { handler: handlers.api, stage });
    new CfnOutput(this, "ApiUrl", { value: api.apiEndpoint });
  }
}
