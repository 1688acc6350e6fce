import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { IntentView } from "../../core/intent.ts";
import { openIssuer } from "../../local/api-gateway/issuer.ts";
import { type HttpClient, httpClient, intentEnd, ledgerOf, putSim } from "../support/machine.ts";
import { freePort, launch, type Running, startProcess } from "../support/npm-start.ts";

const repository = fileURLToPath(new URL("../../", import.meta.url));
const orders = JSON.parse(await readFile(new URL("../../examples/orders.json", import.meta.url), "utf8")) as object;

let home: string;
let port: string;
const started: Omit<Running, "endpoints">[] = [];

beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), "cairn kill ")), "home");
  port = String(await freePort());
});
afterEach(async () => {
  for (const { process, ended } of started.splice(0)) {
    if (process.exitCode === null && process.signalCode === null) process.kill("SIGTERM");
    await ended;
  }
  await rm(join(home, ".."), { recursive: true, force: true });
});

async function start(environment: { [name: string]: string } = {}): Promise<Running> {
  const running = await startProcess(home, { PORT: port, CAIRN_SWEEP_SECONDS: "2", ...environment });
  started.push(running);
  return running;
}

async function clients({ endpoints }: Running) {
  const issuer = await openIssuer(home);
  const token = (role: string, team?: string) =>
    issuer.sign({ sub: "test", role, ...(team === undefined ? {} : { team }) }, 600);
  const platform = httpClient(endpoints.api, await token("platform"));
  await platform("PUT", "/v1/teams/payments", { contact: "payments@example.com" });
  return httpClient(endpoints.api, await token("developer", "payments"));
}

test("SIGKILL in the middle of provisioning, and a new start ends READY with one object each", async () => {
  const first = await start();
  const send = await clients(first);
  await putSim(first.endpoints, "settings", { provisionSeconds: 4, requestsPerSecond: 1000, burst: 1000 });
  const { body } = await send<IntentView>("POST", "/v1/intents", orders, { "idempotency-key": randomUUID() });
  await expect
    .poll(async () => (await ledgerOf(first.endpoints)).length, { timeout: 60_000, interval: 100 })
    .toBeGreaterThan(2);
  first.process.kill("SIGKILL");
  await first.ended;

  const second = await start();
  await expect.poll(() => second.output(), { timeout: 30_000 }).toContain("Try next");
  const [, here = ""] = /\nResources that are here: (.*)\.\n/.exec(second.output()) ?? [];
  expect(here).toMatch(/\d under way/);
  expect([...here.matchAll(/\d+/g)].reduce((sum, [count]) => sum + Number(count), 0)).toBe(7);
  expect(first.output()).toMatch(/Try next/);
  expect(first.output()).not.toMatch(/Resources that are here|\/events/);
  const intent = await intentEnd(await clients(second), body.id, 90);
  expect(intent.status).toBe("READY");
  const ledger = await ledgerOf(second.endpoints);
  const kinds = ledger.map(({ typeName }) => typeName).filter((typeName) => typeName !== "AWS::SecretsManager::Secret");
  expect(kinds.sort()).toEqual([...new Set(kinds)].sort());
  expect(ledger.filter(({ deletedAt }) => deletedAt !== null)).toEqual([]);
}, 180_000);

test("Ctrl-C stops cleanly, a new start goes on with the example and says what to try, and each mistake gets one line", async () => {
  const first = await start({ CAIRN_EXAMPLE: "on" });
  await expect.poll(() => first.output(), { timeout: 60_000 }).toMatch(/db +postgres +SYNCING/);

  const again = launch(home, { PORT: port });
  expect(await again.ended).toBe(1);
  expect(oneLine(again.output())).toContain(String(first.process.pid));

  const samePort = launch(join(home, "..", "other"), { PORT: port });
  expect(await samePort.ended).toBe(1);
  expect(oneLine(samePort.output())).toMatch(new RegExp(`${port}.*PORT=`));

  const heard = askUntilRefused(await clients(first));
  await sleep(500);
  first.process.kill("SIGINT");
  expect(await first.ended).toBe(0);
  expect(first.output()).toMatch(/\nStopping\. What is under way goes on at the next start\.\n$/);
  expect(new Set(await heard)).toEqual(new Set([200]));

  const second = await start({ CAIRN_EXAMPLE: "on" });
  await expect.poll(() => second.output(), { timeout: 90_000 }).toContain("Try next");
  const said = second.output();
  for (const name of ["db", "cache", "events", "jobs", "files", "api-key", "db-url"])
    expect(said).toMatch(new RegExp(`✔ ${name} +\\w+ +READY`));
  expect(said).toMatch(/\ndb\n {2}url +postgres:\/\/orders_db_\w+@127\.0\.0\.1:\d+\/orders_db_\w+\n/);
  await tryWhatItSays(said);
}, 180_000);

/** The commands under "Try next", where a machine has no curl: the first makes the token, the others ask. */
async function tryWhatItSays(said: string): Promise<void> {
  const commands = (said.split("Try next, in another terminal:\n")[1] ?? "").split("\n");
  const [makeToken, ...curls] = commands.filter((line) => line.startsWith("  "));
  const { stdout } = await promisify(execFile)("sh", ["-c", `${makeToken}; printf %s "$TOKEN"`], { cwd: repository });
  expect(curls.map((curl) => /\/v1\/[\w/-]+/.exec(curl)?.[0].replace(/[\w-]{36}/, "ID"))).toEqual([
    "/v1/resources",
    "/v1/resources/ID/events",
    "/v1/intents",
    "/v1/drift/reports",
  ]);
  for (const curl of curls) {
    const url = /(http:[^\s']+)'?$/.exec(curl)?.[1] ?? "";
    const file = /-d @(\S+)/.exec(curl)?.[1];
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${stdout}`, "content-type": "application/json" },
      ...(file === undefined ? {} : { method: "POST", body: await readFile(join(repository, file)) }),
    });
    expect([url, answer.status]).toEqual([url, 200]);
  }
}

/** Four callers at a time, as long as anybody is there. */
async function askUntilRefused(send: HttpClient): Promise<number[]> {
  const statuses: number[] = [];
  const caller = async () => {
    for (;;) statuses.push((await send("GET", "/v1/environments")).status);
  };
  await Promise.allSettled(Array.from({ length: 4 }, caller));
  return statuses;
}

/** What was said beside the greeting. */
function oneLine(output: string): string {
  const said = output.split("\n").filter((line) => line.startsWith("cairn: "));
  expect(said).toHaveLength(1);
  return said[0] ?? "";
}
