import { readFileSync } from "node:fs";
import type { Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

type Alarm = {
  AlarmName: string;
  AlarmDescription: string;
  Namespace: string;
  MetricName: string;
  Dimensions: { Name: string; Value: unknown }[];
  AlarmActions: unknown[];
  OKActions: unknown[];
  TreatMissingData: string;
};

const runbook = readFileSync(new URL("../../docs/runbook.md", import.meta.url), "utf8");
let control: Template;
let alarms: Alarm[];

beforeAll(() => {
  ({ control } = synthesize({ ...fullStage, runbook: "https://wiki.example.com/runbook" }));
  alarms = Object.values(control.findResources("AWS::CloudWatch::Alarm")).map(({ Properties }) => Properties as Alarm);
});

describe("alarms", () => {
  test("each links to a page of the runbook that says what to look at and what to do, and no page is without its alarm", () => {
    const pages = new Map(
      runbook.split(/^## /m).flatMap((page) => {
        const [, name] = /^Alarm: ([a-z-]+)\n/.exec(page) ?? [];
        return name === undefined ? [] : [[name, page] as const];
      }),
    );
    const names = alarms.map(({ AlarmName }) => AlarmName.replace(/^cairn-production-/, ""));
    expect([...pages.keys()].sort()).toEqual(names.sort());
    for (const { AlarmName, AlarmDescription } of alarms) {
      const name = AlarmName.replace(/^cairn-production-/, "");
      expect(AlarmDescription).toMatch(new RegExp(`https://wiki\\.example\\.com/runbook#alarm-${name}$`));
      expect(pages.get(name)).toMatch(/\*\*look\*\*[\s\S]*\*\*do\*\*/i);
    }
  });

  test("tell the stage's addresses when they ring, and when it is over", () => {
    const [topic] = Object.keys(control.findResources("AWS::SNS::Topic"));
    for (const { AlarmActions, OKActions } of alarms)
      expect([AlarmActions, OKActions]).toEqual([[{ Ref: topic }], [{ Ref: topic }]]);
    control.hasResourceProperties("AWS::SNS::Subscription", { Protocol: "email", Endpoint: "on-call@example.com" });
  });

  test("watch what the functions measure under the names they use, in the stage's dimension", () => {
    const source = ["measure.ts", "metrics.ts"]
      .map((file) => readFileSync(new URL(`../../functions/${file}`, import.meta.url), "utf8"))
      .join();
    const own = alarms.filter(({ Namespace }) => Namespace === "Cairn");
    expect(new Set(own.map(({ MetricName }) => MetricName)).size).toBe(5);
    for (const { MetricName, Dimensions } of own) {
      expect(source).toContain(`${MetricName}:`);
      expect(Dimensions).toEqual([{ Name: "Stage", Value: "production" }]);
    }
    expect(source).toContain('Namespace: "Cairn"');
  });

  test("take silence for a failure where nothing else would ring", () => {
    const silent = alarms.filter(({ TreatMissingData }) => TreatMissingData === "breaching");
    expect(silent.map(({ AlarmName }) => AlarmName)).toEqual(["cairn-production-no-measurements"]);
  });

  test("may publish, and only encrypted", () => {
    const [policy] = Object.values(control.findResources("AWS::SNS::TopicPolicy"));
    const statements = policy?.Properties.PolicyDocument.Statement as { Effect: string; Principal: unknown }[];
    expect(statements.map(({ Effect, Principal }) => [Effect, Principal])).toEqual(
      expect.arrayContaining([
        ["Allow", { Service: "cloudwatch.amazonaws.com" }],
        ["Deny", "*"],
      ]),
    );
  });
});

test("the dashboard shows every alarm", () => {
  const [dashboard] = Object.values(control.findResources("AWS::CloudWatch::Dashboard"));
  const shown = JSON.stringify(dashboard?.Properties.DashboardBody);
  const ids = Object.keys(control.findResources("AWS::CloudWatch::Alarm"));
  expect(ids.filter((id) => !shown.includes(`"${id}"`))).toEqual([]);
});

test.each(["Restore", "Failover", "Key rotation", "Teardown", "A lost region"])(
  "the runbook has a page for: %s",
  (title) => {
    const page = runbook.split(/^## /m).find((text) => text.startsWith(`${title}\n`));
    expect(page?.length).toBeGreaterThan(400);
  },
);

test("the runbook's links within itself lead somewhere", () => {
  const anchors = [...runbook.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w -]/g, "")
      .replaceAll(" ", "-"),
  );
  const links = [...runbook.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
  expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});
