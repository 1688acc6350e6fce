import type { Stage } from "../../infra/stages/stage.ts";
import { bill, type Fixed } from "./bill.ts";
import { fleets } from "./fleets.ts";

/** The table of docs/cost.md: a line each for what is paid, a column for each size. */
export function costTable(stage: Stage, fixed: Fixed): string {
  const bills = fleets.map((fleet) => bill(fleet, stage, fixed));
  const rows = (bills[0] ?? []).map(({ what, unit }, index) => [
    `${what}, ${unit}`,
    ...bills.flatMap((lines) => {
      const { amount = 0, dollars = 0 } = lines[index] ?? {};
      return [rounded(amount), money(dollars)];
    }),
  ]);
  const totals = bills.map((lines) => lines.reduce((sum, { dollars }) => sum + dollars, 0));
  return [
    ["line", ...fleets.flatMap(({ name }) => [name, "$"])],
    ["---", ...fleets.flatMap(() => ["---:", "---:"])],
    ...rows,
    ["**a month**", ...totals.flatMap((total) => ["", `**${money(total)}**`])],
    [
      "a developer",
      ...fleets.flatMap(({ developers }, at) => ["", developers === 0 ? "" : each(totals[at] ?? 0, developers)]),
    ],
  ]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}

function each(total: number, developers: number): string {
  return (total / developers).toFixed(2);
}

function money(dollars: number): string {
  return dollars === 0 ? "0" : dollars < 1 ? dollars.toFixed(2) : Math.round(dollars).toLocaleString("en-US");
}

function rounded(amount: number): string {
  const digits = amount < 10 ? 1 : 0;
  return Number(amount.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: digits });
}
