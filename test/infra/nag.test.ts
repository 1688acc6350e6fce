import type { PolicyValidationPluginReport } from "aws-cdk-lib";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { AwsSolutionsChecks } from "cdk-nag";
import { describe, expect, test } from "vitest";
import { readStage } from "../../infra/stages/read-stage.ts";
import { fullStage } from "./full-stage.ts";
import { withApp } from "./synthesize.ts";

describe("cdk-nag's AwsSolutions", () => {
  test.each([
    { stage: fullStage, what: "production with machines, a domain and targets" },
    { stage: readStage("development"), what: "development" },
  ])("has nothing to say about $what that is not answered", ({ stage }) => {
    expect(withApp(stage, (app) => findingsIn(app))).toEqual([]);
  });

  test("would have said it", () => {
    const app = new App();
    new Bucket(new Stack(app, "Careless"), "Bucket");
    expect(findingsIn(app).length).toBeGreaterThan(0);
  });
});

test("every finding that stands has a reason one can read", () => {
  const acknowledged = withApp(fullStage, (app) =>
    app.node
      .findAll()
      .flatMap(({ node }) => node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as { [rule: string]: string })),
  );
  expect(acknowledged.length).toBeGreaterThan(50);
  expect(acknowledged.filter(([, reason]) => String(reason).split(" ").length < 5)).toEqual([]);
});

function findingsIn(app: App): string[] {
  const { violations } = new AwsSolutionsChecks(app).validateScope(app) as PolicyValidationPluginReport;
  return violations.flatMap(({ ruleName, violatingResources }) =>
    violatingResources.map(({ constructPath }) => `${ruleName} ${String(constructPath)}`),
  );
}
