// npm run cost: writes the table of docs/cost.md from prices, counts and the production stage. A test holds the page to it.
import { readFileSync, writeFileSync } from "node:fs";
import { production } from "../infra/stages/production.ts";
import { costTable } from "./cost/cost-table.ts";
import { fixed } from "./cost/fixed.ts";

const page = new URL("../docs/cost.md", import.meta.url);
const text = readFileSync(page, "utf8");
const table = costTable(production, fixed);
writeFileSync(page, text.replace(/(?<=<!-- table -->\n)[\s\S]*?(?=\n<!-- end -->)/, table));
console.log(table);
