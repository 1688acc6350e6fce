import type { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { callerOf, machineOf } from "../../api/caller.ts";
import { callerRules } from "../../api/caller-rules.ts";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

let control: Template;

beforeAll(() => {
  ({ control } = synthesize(fullStage));
});

describe("the API for people", () => {
  test("verifies a token everywhere but on what anyone may read", () => {
    expect(routesOf("cairn-production")).toEqual([
      ["$default", "JWT"],
      ["GET /healthz", "NONE"],
      ["GET /openapi.json", "NONE"],
    ]);
  });

  test("takes issuer and audience from the stage", () => {
    control.hasResourceProperties("AWS::ApiGatewayV2::Authorizer", {
      JwtConfiguration: { Issuer: "https://login.example.com/", Audience: ["cairn"] },
    });
  });

  test("has the stage's own name, and then no other", () => {
    control.hasResourceProperties("AWS::ApiGatewayV2::DomainName", { DomainName: "cairn.example.com" });
    control.hasResourceProperties("AWS::Route53::RecordSet", { Name: "cairn.example.com.", Type: "A" });
    control.hasResourceProperties("AWS::ApiGatewayV2::Api", {
      Name: "cairn-production",
      DisableExecuteApiEndpoint: true,
    });
  });

  test("has API Gateway's name where the stage has none", () => {
    const { control } = synthesize({ ...fullStage, domain: null });
    control.resourceCountIs("AWS::ApiGatewayV2::DomainName", 0);
    const closed = control.findResources("AWS::ApiGatewayV2::Api", { Properties: { DisableExecuteApiEndpoint: true } });
    expect(closed).toEqual({});
  });
});

describe("the API for machines", () => {
  test("wants every request signed", () => {
    expect(routesOf("cairn-production-machines")).toEqual([["$default", "AWS_IAM"]]);
  });

  test("may be called by a role of each machine's own, which the roles it trusts may take on, and nobody else", () => {
    control.hasResourceProperties("AWS::IAM::Role", {
      RoleName: "cairn-production-caller-ci",
      AssumeRolePolicyDocument: {
        Statement: [
          { Action: "sts:AssumeRole", Effect: "Allow", Principal: { AWS: "arn:aws:iam::444455556666:role/ci" } },
        ],
      },
    });
    const policies = Object.values(control.findResources("AWS::IAM::Policy")).map(({ Properties }) => Properties);
    const invoking = policies.filter((policy) => JSON.stringify(policy).includes("execute-api:Invoke"));
    expect(invoking.map(({ Roles }) => Roles.length)).toEqual([1, 1]);
  });
});

test("who is who reaches the function in the form that it reads", () => {
  const rules = callerRules.parse(JSON.parse(callersOf()));
  expect(callerOf({ sub: "ada", team: "payments", role: "developer" }, rules).role).toBe("developer");
  const userArn = "arn:aws:sts::111122223333:assumed-role/cairn-production-caller-ci/run-1";
  expect(machineOf({ userArn }, rules)).toMatchObject({ role: "developer", team: "payments" });
});

test("both are throttled, and log each request without headers, query or body", () => {
  for (const { Properties } of Object.values(control.findResources("AWS::ApiGatewayV2::Stage"))) {
    expect(Properties.DefaultRouteSettings).toMatchObject({ ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 });
    const format = JSON.parse(Properties.AccessLogSettings.Format) as { [name: string]: string };
    expect(
      Object.values(format).filter((value) => /header|query|body|authorizer\.claims(?!\.sub$)/i.test(value)),
    ).toEqual([]);
    expect(format).toHaveProperty("caller");
  }
  control.resourceCountIs("AWS::ApiGatewayV2::Stage", 2);
});

function routesOf(apiName: string): string[][] {
  const apis = Object.entries(control.findResources("AWS::ApiGatewayV2::Api"));
  const [id] = apis.find(([, { Properties }]) => Properties.Name === apiName) ?? [];
  return Object.values(control.findResources("AWS::ApiGatewayV2::Route"))
    .filter(({ Properties }) => Properties.ApiId.Ref === id)
    .map(({ Properties }) => [Properties.RouteKey, Properties.AuthorizationType])
    .sort();
}

/** The variable's text, as a deployment in this account fills it in. */
function callersOf(): string {
  const variables = Object.values(control.findResources("AWS::Lambda::Function")).flatMap(
    ({ Properties }) => Properties.Environment?.Variables?.CAIRN_CALLERS ?? [],
  );
  expect(variables).toHaveLength(1);
  const known: { [pseudo: string]: string } = { "AWS::Partition": "aws", "AWS::AccountId": "111122223333" };
  const [, parts] = variables[0]["Fn::Join"] as [string, (string | { Ref: string })[]];
  return parts.map((part) => (typeof part === "string" ? part : known[part.Ref])).join("");
}
