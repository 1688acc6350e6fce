// `npm start`: all of Cairn on this machine.
import { existsSync } from "node:fs";
import { appendFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { exampleTeam, markExample, runExample } from "./example.ts";
import { HomeError } from "./home/home-error.ts";
import { openHome } from "./home/open-home.ts";
import { PortError } from "./http-server.ts";
import { type Found, lookAround } from "./look-around.ts";
import { readSettings } from "./settings.ts";
import { type Machine, startMachine } from "./start-machine.ts";

/** npm and the terminal both pass Ctrl-C on: a second signal this soon is the first one again. */
const sameSignalMs = 1000;

try {
  await main();
} catch (error) {
  const known = error instanceof HomeError || error instanceof PortError;
  console.error(known ? `cairn: ${(error as Error).message}` : error);
  process.exit(1);
}

async function main(): Promise<void> {
  const settings = readSettings(process.env);
  const home = await openHome(settings.home);
  const logFile = join(home.path, "cairn.log");
  const log = (line: string) =>
    void appendFile(logFile, `${new Date().toISOString()} ${line}\n`).catch(() => undefined);

  const example = join(home.path, "example.json");
  if (settings.example && home.isNew) await markExample(home, example);

  const ending = new AbortController();
  let starting: Promise<Machine> | undefined;
  let stopping: Promise<void> | undefined;
  let firstSignal = 0;
  const stop = () => {
    if (stopping !== undefined && Date.now() - firstSignal > sameSignalMs) process.exit(130);
    if (stopping !== undefined) return;
    firstSignal = Date.now();
    ending.abort();
    console.log("\nStopping. What is under way goes on at the next start.");
    stopping = (async () => {
      // A signal may come while the parts are still being started: then those that were are stopped.
      const machine = await starting?.catch(() => undefined);
      await machine?.close();
      await home.close();
      process.exit(0);
    })();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  whenOrphaned(stop);

  console.log(`Cairn is starting in ${relative(process.cwd(), home.path) || home.path} …`);
  starting = startMachine(home, settings, log);
  const machine = await starting.catch(async (error: unknown) => {
    await (stopping ?? home.close());
    throw error;
  });
  if (stopping !== undefined) return stopping;

  const { api } = machine.endpoints;
  console.log(
    `The API answers at ${api}, its contract is at ${api}/openapi.json; logs are in ${relative(process.cwd(), logFile)}`,
  );
  const sends = settings.example && existsSync(example);
  if (sends) {
    // The API serves whether or not its example came through.
    await runExample(machine, example, ending.signal).catch((error: Error) => {
      if (stopping === undefined) console.error(`The example did not come through: ${error.message}`);
    });
  }
  const found = await lookAround(machine).catch((error: Error) => void log(`what is here: ${error.stack}`));
  if (stopping !== undefined) return;
  if (!sends && found !== undefined) console.log(found.line);
  console.log(hints(api, settings.home, found));
}

/** npm runs a shell that runs this: a signal to npm alone ends the two of them and never arrives here. */
function whenOrphaned(stop: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    // Once only: told again, it would be the impatient second signal, and stopping would be cut short.
    clearInterval(watch);
    stop();
  }, 500).unref();
}

function hints(api: string, home: string, found: Found | undefined): string {
  // Where the token command would not look for the key by itself.
  const there = home === resolve(".cairn") ? "" : `CAIRN_HOME='${home.replaceAll("'", `'\\''`)}' `;
  const ask = `curl -s -w '\\n' -H "authorization: Bearer $TOKEN"`;
  return [
    "\nTry next, in another terminal:",
    `  TOKEN=$(${there}npm run --silent token -- --team ${exampleTeam} --role developer)`,
    `  ${ask} ${api}/v1/resources`,
    ...(found?.newest === undefined ? [] : [`  ${ask} ${api}/v1/resources/${found.newest}/events`]),
    `  ${ask} -H "content-type: application/json" -d @examples/orders.json '${api}/v1/intents?dryRun=true'`,
    `  ${ask} ${api}/v1/drift/reports`,
    "Ctrl-C stops; npm start goes on where it was.",
  ].join("\n");
}
