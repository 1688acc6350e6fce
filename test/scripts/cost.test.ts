import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { production } from "../../infra/stages/production.ts";
import { bill } from "../../scripts/cost/bill.ts";
import { costTable } from "../../scripts/cost/cost-table.ts";
import { fixed } from "../../scripts/cost/fixed.ts";
import { fleets } from "../../scripts/cost/fleets.ts";
import { synthesize } from "../infra/synthesize.ts";

test("docs/cost.md shows what the lists give: npm run cost", () => {
  const page = readFileSync(new URL("../../docs/cost.md", import.meta.url), "utf8");
  expect(page).toContain(`<!-- table -->\n${costTable(production, fixed)}\n<!-- end -->`);
});

test("a change costs what its calls and transitions do", () => {
  const [idle] = fleets;
  if (idle === undefined) throw new Error("there are no fleets");
  const before = bill(idle, production, fixed);
  const after = bill({ ...idle, changesADay: 1000 }, production, fixed);
  const grown = (what: string) => {
    const amounts = [before, after].map((lines) => lines.find((line) => line.what === what)?.amount ?? 0);
    return Math.round(((amounts[1] ?? 0) - (amounts[0] ?? 0)) / 30.4);
  };
  // Accepting takes two calls and converging six; nine transitions; a request, five invocations of steps.
  expect([grown("Data API"), grown("Step Functions"), grown("API Gateway")]).toEqual([8000, 9000, 1000]);
});

test("what is there when nobody uses it is as many as the production stage makes", () => {
  const { store, control } = synthesize(production);
  const made = (type: string) =>
    [store, control].reduce((sum, template) => sum + Object.keys(template.findResources(type)).length, 0);
  // A measurement is a metric with each of its names: docs/observability.md lists them.
  const observability = readFileSync(new URL("../../docs/observability.md", import.meta.url), "utf8");
  const metrics = observability.match(/^\| `[A-Z]\w+` \| (count|seconds|milliseconds) \|/gm) ?? [];
  expect({
    secrets: made("AWS::SecretsManager::Secret"),
    keys: made("AWS::KMS::Key"),
    alarms: made("AWS::CloudWatch::Alarm"),
    dashboards: made("AWS::CloudWatch::Dashboard"),
    metrics: metrics.length,
  }).toEqual(fixed);
});
