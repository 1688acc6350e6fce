import { type App, CfnOutput } from "aws-cdk-lib";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { type FunctionName, functions, machines } from "../functions/manifest.ts";
import type { CairnOptions } from "./cairn-options.ts";
import { callerEnvironment } from "./caller-environment.ts";
import { ControlFunction } from "./constructs/control-function.ts";
import { ControlMachine } from "./constructs/control-machine.ts";
import { MachineApi } from "./constructs/machine-api.ts";
import { Migrations } from "./constructs/migrations.ts";
import { PeopleApi } from "./constructs/people-api.ts";
import { Rotations } from "./constructs/rotations.ts";
import { Schedules } from "./constructs/schedules.ts";
import type { Store } from "./constructs/store.ts";
import { mapValues } from "./map-values.ts";
import { alarmSpecs } from "./operations/alarm-specs.ts";
import { Alarms } from "./operations/alarms.ts";
import { CairnDashboard } from "./operations/cairn-dashboard.ts";
import { PlacedStack } from "./placed-stack.ts";

export type ControlStackOptions = Omit<CairnOptions, "kinds"> & { store: Store };

/** All that holds no data: it can be deleted and deployed again, and goes on where the store says. */
export class ControlStack extends PlacedStack {
  constructor(app: App, id: string, { stage, root, bundles, store }: ControlStackOptions) {
    super(app, id, stage, { description: "Cairn: APIs, functions, state machines, schedules" });

    const variables: { [name in FunctionName]?: { [variable: string]: string } } = { api: callerEnvironment(stage) };
    const made = mapValues(
      functions,
      (spec, name) =>
        new ControlFunction(this, name, {
          name,
          spec,
          stage,
          store,
          bundle: bundles[name],
          variables: variables[name] ?? {},
        }),
    );
    const handlers = mapValues(made, ({ handler }) => handler);
    const started = mapValues(
      machines,
      (spec, name) => new ControlMachine(this, `machine-${name}`, { name, spec, stage, root, handlers }).machine,
    );

    const { migrate, ...serving } = made;
    const migrations = new Migrations(this, "migrations", {
      handler: migrate.handler,
      before: Object.values(serving),
    });
    new Rotations(this, "rotations", { handler: handlers["rotate-secret"], stage, store, after: migrations });
    const { deadLetters } = new Schedules(this, "schedules", { stage, handlers, machines: started });
    const people = new PeopleApi(this, "people", {
      integration: new HttpLambdaIntegration("Function", handlers.api),
      stage,
    });
    const calling = new MachineApi(this, "calling", {
      integration: new HttpLambdaIntegration("Machine", handlers.api),
      stage,
    });
    const watched = { stage, api: people.api, machineApi: calling.api, handlers, machines: started, deadLetters };
    const { alarms } = new Alarms(this, "alarms", { stage, specs: alarmSpecs(watched) });
    new CairnDashboard(this, "dashboard", { ...watched, alarms });
    new CfnOutput(this, "ApiUrl", { value: people.url });
    new CfnOutput(this, "MachineApiUrl", { value: calling.api.apiEndpoint });
  }
}
