import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { production } from "../../infra/stages/production.ts";
import { bill } from "../../scripts/cost/bill.ts";
import { costTable } from "../../scripts/cost/cost-table.ts";
import { fixed } from "../../scripts/cost/fixed.ts";
import { fleets } from "../../scripts/cost/fleets.ts";

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
