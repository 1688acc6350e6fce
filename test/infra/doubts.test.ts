import { ArtifactMetadataEntryType } from "aws-cdk-lib/cloud-assembly-schema";
import { expect, test } from "vitest";
import { doubtsAbout } from "../../infra/stages/doubts.ts";
import { fullStage } from "./full-stage.ts";
import { withApp } from "./synthesize.ts";

const tokens = { ...fullStage.tokens, issuer: "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_abc" };
const good = { ...fullStage, tokens };
const shipped = { ...good, tokens: { ...tokens, issuer: "https://login.example.com/" }, targets: [] };

test("about a stage that says all are none", () => {
  expect([...doubtsAbout(good)]).toEqual([]);
});

test.each([
  "https://login.example.com/",
  "https://example.org",
  "https://login.example.net/oauth2",
  "https://login.acme.example/",
  "https://idp.invalid/",
])("an issuer such as %s, whose tokens nobody has, is doubted", (issuer) => {
  const { hostname } = new URL(issuer);
  expect(doubtsAbout({ ...good, tokens: { ...tokens, issuer } }).get("tokens.issuer")).toContain(hostname);
});

test.each(["https://example.okta.com/oauth2/default", "https://login.myexample.com", "https://example.computer"])(
  "an issuer such as %s is not",
  (issuer) => {
    expect([...doubtsAbout({ ...good, tokens: { ...tokens, issuer } })]).toEqual([]);
  },
);

test("a target in a region that the policy denies is doubted, with what it allows", () => {
  const targets = good.targets.map((target) => (target.name === "live" ? { ...target, region: "sa-east-1" } : target));
  expect([...doubtsAbout({ ...good, targets })]).toEqual([
    [
      "targets.1.region",
      'sa-east-1 of "live": every apply there is denied, policies/config.yaml allows eu-central-1, eu-north-1, eu-west-1, us-east-1, us-east-2, us-west-2',
    ],
  ]);
});

test("cdk prints them, with the stage's file", () => {
  const warnings = withApp(shipped, (_, { control }) =>
    control.node.metadata.filter(({ type }) => type === ArtifactMetadataEntryType.WARN).map(({ data }) => String(data)),
  );
  expect(warnings).toEqual([
    expect.stringContaining("infra/stages/production.ts, tokens.issuer: login.example.com is reserved for examples"),
    expect.stringContaining("infra/stages/production.ts, targets: there is none"),
  ]);
});
