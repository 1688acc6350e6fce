import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RemovalPolicy } from "aws-cdk-lib";
import { PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { DefinitionBody, LogLevel, StateMachine, StateMachineType } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";
import type { MachineName, machines } from "../../functions/manifest.ts";
import { acknowledge, acknowledgeResources } from "../acknowledge.ts";
import type { Handlers } from "../cairn-options.ts";
import { fillPlaceholders } from "../fill-placeholders.ts";
import { machineName } from "../fixed-names.ts";
import type { Stage } from "../stages/stage.ts";

export type ControlMachineOptions = {
  name: MachineName;
  spec: (typeof machines)[MachineName];
  stage: Stage;
  root: string;
  handlers: Handlers;
};

/** A Standard state machine from the file that `local` runs too. CDK cannot see into such a file: grants are made here. */
export class ControlMachine extends Construct {
  readonly machine: StateMachine;

  constructor(scope: Construct, id: string, { name, spec, stage, root, handlers }: ControlMachineOptions) {
    super(scope, id);
    const arns = Object.fromEntries(spec.tasks.map((task) => [task, handlers[task].functionArn]));
    const definition = fillPlaceholders(spec.definition, readFileSync(join(root, spec.definition), "utf8"), arns);

    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("states.amazonaws.com") });
    role.addToPolicy(new PolicyStatement({ actions: ["lambda:InvokeFunction"], resources: Object.values(arns) }));

    acknowledgeResources(role, ["*"], "X-Ray and the delivery of logs take no narrower resource");

    this.machine = new StateMachine(this, "Machine", {
      stateMachineName: machineName(stage, name),
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromString(definition),
      role,
      tracingEnabled: true,
      // The history keeps every step for 90 days; the log is for what failed, and never holds a payload.
      logs: {
        destination: new LogGroup(this, "Logs", {
          logGroupName: `/aws/vendedlogs/states/${machineName(stage, name)}`, // other names outgrow a policy's size limit
          retention: stage.logDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ERROR,
        includeExecutionData: false,
      },
    });
    acknowledge(this.machine, { SF1: "the history keeps every event for 90 days; a second copy would only cost" });
  }
}
