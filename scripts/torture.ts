// npm run torture -- --kills 500 --postgres-stops 50 [--seed 1] [--port 8787]
import { parseArgs } from "node:util";
import { torture } from "../test/torture/torture.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "15" },
    "postgres-stops": { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    port: { type: "string" },
  },
});
const kills = whole(values.kills, "kills");
const postgresStops = whole(values["postgres-stops"], "postgres-stops");
const seed = whole(values.seed, "seed");

const began = Date.now();
const { violations, folder } = await torture({
  kills,
  postgresStops,
  seed,
  port: values.port === undefined ? undefined : whole(values.port, "port"),
  say: (line) => console.log(line),
});
const minutes = ((Date.now() - began) / 60_000).toFixed(1);
if (violations.length === 0) console.log(`\nNothing doubled, lost or stuck, in ${minutes} min.`);
else {
  console.log(`\n${violations.length} violations in ${minutes} min. Kept: ${folder}`);
  console.log(`Again: npm run torture -- --kills ${kills} --postgres-stops ${postgresStops} --seed ${seed}`);
}
// Whoever still waits for an answer is not waited for.
process.exit(violations.length === 0 ? 0 : 1);

function whole(text: string, name: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} takes a whole number, not "${text}".`);
  return Number(text);
}
