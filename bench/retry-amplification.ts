// How much the retries of a provider in trouble add to what its errors force: `npm run bench:retries`. Every call fails with a chance
// of 30 %, before anything happens; the cloud counts the calls. Ends with 1 over the bound. Takes three minutes.
import { readArgs, whole } from "../scripts/read-args.ts";
import { allReady, applyMany, callsSince, liveObjects, setRates } from "../test/support/dead-service.ts";
import { putSim, startTestMachine } from "../test/support/machine.ts";

const { values } = readArgs("npm run bench:retries -- [--resources 60]", { resources: whole(60, { least: 1 }) });
const many = values.resources;
const chance = 0.3;
const amplification = 1.1;
const fault = "ServiceInternalErrorException";

const machine = await startTestMachine({ periods: { sweep: 10, drift: 86_400, housekeeping: 86_400 } });
const { developer, endpoints } = machine;
try {
  await putSim(endpoints, "settings", { requestsPerSecond: null });
  // So that no budget stretches the run: what is counted here are calls, not seconds.
  await setRates(machine, 100);
  const calm = await callsFor("calm");
  await putSim(endpoints, "faults", [{ probability: chance, error: fault }]);
  const storm = await callsFor("storm");

  const needed = calm.calls / many;
  const made = storm.calls / many;
  const share = storm.failed / storm.calls;
  const passed = 1 - share;
  // Law F2: nothing is asked that was not just looked for, and nothing is READY whose request did not end. So a call that fails
  // is made again with the one it rests on, and each resource is two such pairs; the rest of what is needed stands alone.
  const forced = (2 * (1 + passed)) / passed ** 2 + (needed - 4) / passed;
  console.log(`calls for each of ${many} resources: ${needed.toFixed(2)} needed, ${made.toFixed(2)} made`);
  console.log(`${storm.failed} of ${storm.calls} calls failed (${(100 * share).toFixed(1)} %)`);
  console.log(
    `forced by the errors and law F2: ${forced.toFixed(2)}, if each call stood alone: ${(needed / passed).toFixed(2)}`,
  );
  const ratio = made / forced;
  console.log(`made, of what is forced: ${ratio.toFixed(3)} (at most ${amplification})`);
  console.log(`made, of needed calls repeated alone: ${(made / (needed / passed)).toFixed(3)}`);
  const objects = (await liveObjects(machine, "AWS::S3::Bucket", "storm")).length;
  console.log(`objects made: ${objects} of ${many}`);
  process.exitCode = ratio <= amplification && objects === many ? 0 : 1;
} finally {
  await machine.close();
}

async function callsFor(service: string): Promise<{ calls: number; failed: number }> {
  const since = new Date().toISOString();
  await applyMany(developer, { team: "payments", service, environment: "development" }, "bucket", many);
  await allReady(developer, service, 600);
  const calls = await callsSince(machine, since);
  return { calls: calls.length, failed: calls.filter(({ result }) => result === fault).length };
}
