import { RemovalPolicy } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import { type DomainName, type HttpApi, HttpStage, LogGroupLogDestination } from "aws-cdk-lib/aws-apigatewayv2";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import type { Stage } from "../stages/stage.ts";

/** What an access log keeps of a request: never a header, a query or a body, where a secret could be. */
const kept = {
  requestId: "$context.requestId",
  time: "$context.requestTime",
  ip: "$context.identity.sourceIp",
  method: "$context.httpMethod",
  path: "$context.path",
  status: "$context.status",
  bytes: "$context.responseLength",
  milliseconds: "$context.responseLatency",
  functionMilliseconds: "$context.integrationLatency",
  functionStatus: "$context.integrationStatus",
  error: "$context.error.message",
  refused: "$context.authorizer.error",
};

/**
 * What an API serves from: throttled, and with a line in its access log for each request.
 *
 * @param caller where the gateway keeps who called
 */
export function gatewayStage(api: HttpApi, stage: Stage, caller: string, domainName: DomainName | null): HttpStage {
  const logs = new LogGroup(api, "AccessLogs", {
    logGroupName: `/aws/vendedlogs/apigateway/${api.httpApiName}`, // other names outgrow a policy's size limit
    retention: stage.logDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  return new HttpStage(api, "Serving", {
    httpApi: api,
    autoDeploy: true,
    throttle: { rateLimit: stage.requests.perSecond, burstLimit: stage.requests.burst },
    accessLogSettings: {
      destination: new LogGroupLogDestination(logs),
      format: AccessLogFormat.custom(JSON.stringify({ ...kept, caller })),
    },
    detailedMetricsEnabled: true,
    ...(domainName === null ? {} : { domainMapping: { domainName } }),
  });
}
