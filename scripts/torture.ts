// Real kills of real processes: docs/reliability.md.
import { torture } from "../test/torture/torture.ts";
import { readArgs, whole } from "./read-args.ts";

const usage = "npm run torture -- --kills 500 --postgres-stops 50 [--seed 1] [--port 8787]";
const { values } = readArgs(usage, {
  kills: whole(15),
  "postgres-stops": whole(3),
  seed: whole(Date.now() % 1_000_000),
  port: whole(undefined, { least: 1, most: 65_535 }),
});
const { kills, seed, port } = values;
const postgresStops = values["postgres-stops"];

const began = Date.now();
const { violations, folder } = await torture({
  kills,
  postgresStops,
  seed,
  port,
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
