// npm run privileges: runs all of Cairn on this machine, compares what it called with what the roles allow, and writes the table of
// docs/privileges.md. Ends with 1 when something is missing, or granted for nothing. A test holds the page to it.
import { readFileSync, writeFileSync } from "node:fs";
import { fullRun } from "../test/privileges/full-run.ts";
import { judge } from "../test/privileges/judge.ts";
import { measure } from "../test/privileges/measure.ts";
import { privilegesTable } from "../test/privileges/table.ts";

const evidence = await measure(await fullRun());
const { rights, missing, needless, wide } = judge(evidence);
const page = new URL("../docs/privileges.md", import.meta.url);
const table = privilegesTable(rights, evidence.label);
writeFileSync(page, readFileSync(page, "utf8").replace(/(?<=<!-- table -->\n)[\s\S]*?(?=\n<!-- end -->)/, table));
console.log(table.split("\n", 1)[0]);
for (const [what, lines] of Object.entries({ missing, needless, "too wide": wide }))
  for (const line of lines) console.error(`${what}: ${line}`);
process.exitCode = missing.length + needless.length + wide.length > 0 ? 1 : 0;
