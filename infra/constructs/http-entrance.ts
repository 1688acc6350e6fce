import { HttpApi, HttpMethod, HttpNoneAuthorizer } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import type { Stage } from "../stages/stage.ts";

/** What anyone may read: liveness and the contract. */
const open = ["/healthz", "/openapi.json"];

/** The HTTP API. API Gateway verifies tokens before a function runs; which route does what is the function's to know. */
export class HttpEntrance extends Construct {
  readonly api: HttpApi;

  constructor(scope: Construct, id: string, { handler, stage }: { handler: IFunction; stage: Stage }) {
    super(scope, id);
    const integration = new HttpLambdaIntegration("Function", handler);
    this.api = new HttpApi(this, "Api", {
      apiName: `cairn-${stage.name}`,
      defaultIntegration: integration,
      defaultAuthorizer: new HttpJwtAuthorizer("Token", stage.issuer, { jwtAudience: stage.audience }),
    });
    for (const path of open) {
      this.api.addRoutes({ path, methods: [HttpMethod.GET], integration, authorizer: new HttpNoneAuthorizer() });
    }
  }
}
