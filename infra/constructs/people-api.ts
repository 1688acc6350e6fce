import { CfnOutput } from "aws-cdk-lib";
import { DomainName, HttpApi, HttpMethod, HttpNoneAuthorizer, SecurityPolicy } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import type { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { ARecord, HostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { ApiGatewayv2DomainProperties } from "aws-cdk-lib/aws-route53-targets";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledge.ts";
import type { Stage } from "../stages/stage.ts";
import { gatewayStage } from "./gateway-stage.ts";

/** What anyone may read: liveness and the contract. */
const open = ["/healthz", "/openapi.json"];

/** The API for people. API Gateway verifies tokens before a function runs; which route does what is the function's to know. */
export class PeopleApi extends Construct {
  readonly api: HttpApi;
  readonly url: string;

  constructor(
    scope: Construct,
    id: string,
    { integration, stage }: { integration: HttpLambdaIntegration; stage: Stage },
  ) {
    super(scope, id);
    const { tokens, domain } = stage;
    this.api = new HttpApi(this, "Api", {
      apiName: `cairn-${stage.name}`,
      description: `Cairn ${stage.name}, for people: tokens of ${tokens.issuer}`,
      defaultIntegration: integration,
      defaultAuthorizer: new HttpJwtAuthorizer("Token", tokens.issuer, { jwtAudience: tokens.audience }),
      createDefaultStage: false,
      disableExecuteApiEndpoint: domain !== null, // one way in, so that what is said of the name holds for all of it
    });
    for (const path of open) {
      const methods = [HttpMethod.GET];
      const routes = this.api.addRoutes({ path, methods, integration, authorizer: new HttpNoneAuthorizer() });
      for (const route of routes) acknowledge(route, { APIG4: "anyone may read it: it tells nothing of anybody's" });
    }
    const named = domain === null ? null : this.named(domain);
    gatewayStage(this.api, stage, "$context.authorizer.claims.sub", named);
    this.url = domain === null ? this.api.apiEndpoint : `https://${domain.name}`;
  }

  private named({ name, certificateArn, zone }: NonNullable<Stage["domain"]>): DomainName {
    const domainName = new DomainName(this, "Domain", {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, "Certificate", certificateArn),
      securityPolicy: SecurityPolicy.TLS_1_2,
    });
    const { regionalDomainName, regionalHostedZoneId } = domainName;
    if (zone === null) new CfnOutput(this, "DomainTarget", { value: regionalDomainName });
    else
      new ARecord(this, "Record", {
        recordName: name,
        zone: HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId: zone.id, zoneName: zone.name }),
        target: RecordTarget.fromAlias(new ApiGatewayv2DomainProperties(regionalDomainName, regionalHostedZoneId)),
      });
    return domainName;
  }
}
