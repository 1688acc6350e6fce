// What a dead service of a provider costs: `npm run bench:dead-provider`. Two hundred resources on it, two hundred on a healthy
// one whose target is another. Ends with 1 when a count or a ratio is not kept. Takes six minutes: both targets' budgets are set so
// low that they, and not a busy processor, make the pace.
import { readArgs, whole } from "../scripts/read-args.ts";
import {
  allReady,
  allResources,
  applyMany,
  breakerOf,
  callsSince,
  chargedCalls,
  inFlightWhenOpened,
  liveObjects,
  paceOf,
  probeSeconds,
  setRates,
  threshold,
} from "../test/support/dead-service.ts";
import { putSim, startTestMachine } from "../test/support/machine.ts";

/** Of fewer, the healthy one's pace is a matter of a second's luck: of 20 it was 0.87 of itself, of 100 again 1.00. */
const least = 100;
const { values } = readArgs("npm run bench:dead-provider -- [--resources 200]", { resources: whole(200, { least }) });
const many = values.resources;
const sweepSeconds = 10;
const callsPerSecond = 10;
/** Five calls are reserved for each operation. */
const backlogSeconds = (many * 5) / callsPerSecond;
/** The simulated cloud makes an object in two seconds, which the second look after it sees. */
const providerSeconds = 2 + 5;
const dead = { service: "AWS::SQS", typeName: "AWS::SQS::Queue" };
const pacesKept = 0.95;

const machine = await startTestMachine({ periods: { sweep: sweepSeconds, drift: 86_400, housekeeping: 86_400 } });
const { developer, endpoints } = machine;
const failed: string[] = [];
try {
  await setRates(machine, callsPerSecond);
  // Each target's own rate is what is measured, not the account's that the simulated cloud would share between them.
  await putSim(endpoints, "settings", { requestsPerSecond: null });
  await putSim(endpoints, "faults", [{ typeName: dead.typeName, error: "ServiceInternalErrorException" }]);

  const alone = await healthyPace("alone");
  const since = new Date().toISOString();
  const died = Date.now();
  await applyMany(developer, { team: "payments", service: "dead", environment: "staging" }, "queue", many);
  const beside = await healthyPace("beside");

  const waiting = await allResources(developer, "dead");
  const told = waiting.filter(
    ({ reason }) => reason?.code === "PROVIDER_UNAVAILABLE" && reason.retryAt !== null,
  ).length;
  check("resources that wait and say why", told, waiting.length - 1, ">=");
  check("of them FAILED", waiting.filter(({ status }) => status === "FAILED").length, 0, "<=");
  const calls = (await callsSince(machine, since, dead.typeName)).length;
  const inFlight = await inFlightWhenOpened(machine, dead.service);
  const probes = Math.ceil((Date.now() - died) / 1000 / probeSeconds);
  console.log(`the dead one: threshold ${threshold}, in flight ${inFlight}, at most ${probes} probes`);
  check("calls to the dead one", calls, threshold + inFlight + probes, "<=");
  check("breaker of the healthy one", (await breakerOf(machine, "development", "AWS::S3"))?.failures ?? 0, 0, "<=");

  const recovered = Date.now();
  await putSim(endpoints, "faults", []);
  await allReady(developer, "dead", 4 * (2 * sweepSeconds + backlogSeconds));
  const seconds = (Date.now() - recovered) / 1000;
  const charged = await chargedCalls(machine, "dead");
  console.log(
    `the backlog: ${charged} calls at ${callsPerSecond} a second; the last of it is made in ${providerSeconds} s`,
  );
  const bound = 2 * sweepSeconds + charged / callsPerSecond + providerSeconds;
  check("seconds from recovery to READY", seconds, bound, "<=");
  check("objects made", (await liveObjects(machine, dead.typeName, "dead")).length, many, "=");

  check("pace beside the dead one, of what it is alone", beside / alone, pacesKept, ">=");
} finally {
  await machine.close();
}
if (failed.length > 0) console.log(`NOT KEPT: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;

async function healthyPace(service: string): Promise<number> {
  await applyMany(developer, { team: "payments", service, environment: "development" }, "bucket", many);
  await allReady(developer, service, 10 * backlogSeconds);
  const pace = paceOf(await liveObjects(machine, "AWS::S3::Bucket", service));
  console.log(`healthy, ${service}: ${pace.toFixed(2)} resources a second`);
  return pace;
}

function check(what: string, value: number, bound: number, how: "<=" | ">=" | "="): void {
  const kept = how === "<=" ? value <= bound : how === ">=" ? value >= bound : value === bound;
  if (!kept) failed.push(what);
  const shown = (number: number) => (Number.isInteger(number) ? String(number) : number.toFixed(2));
  console.log(`${kept ? "kept " : "NOT  "} ${what}: ${shown(value)} (${how} ${shown(bound)})`);
}
