import { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpIamAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import type { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { ArnPrincipal, CompositePrincipal, PolicyStatement, Role } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import { acknowledgeResources } from "../acknowledge.ts";
import { machineCallerRole } from "../fixed-names.ts";
import type { Stage } from "../stages/stage.ts";
import { gatewayStage } from "./gateway-stage.ts";

/**
 * The same API for machines, which sign with SigV4 instead of holding a token; a route has one authorizer, hence an API of
 * their own. An HTTP API knows no caller of another account, so each machine of the stage gets a role here, which the
 * roles it trusts take on. `api/caller.ts` gives it its team and its role.
 */
export class MachineApi extends Construct {
  readonly api: HttpApi;

  constructor(
    scope: Construct,
    id: string,
    { integration, stage }: { integration: HttpLambdaIntegration; stage: Stage },
  ) {
    super(scope, id);
    this.api = new HttpApi(this, "Api", {
      apiName: `cairn-${stage.name}-machines`,
      description: `Cairn ${stage.name}, for machines: SigV4`,
      defaultIntegration: integration,
      defaultAuthorizer: new HttpIamAuthorizer(),
      createDefaultStage: false,
    });
    gatewayStage(this.api, stage, "$context.identity.userArn", null);

    for (const { name, trusts } of stage.machineCallers) {
      const role = new Role(this, `Caller-${name}`, {
        roleName: machineCallerRole(stage, name),
        description: `Cairn ${stage.name}: calls the API as ${name}`,
        assumedBy: new CompositePrincipal(...trusts.map((arn) => new ArnPrincipal(arn))),
      });
      const everything = this.api.arnForExecuteApi("*", "/*", "$default");
      role.addToPolicy(new PolicyStatement({ actions: ["execute-api:Invoke"], resources: [everything] }));
      acknowledgeResources(
        role,
        [everything],
        "every path of this one API: which of them it may use is the API's to say",
      );
    }
  }
}
