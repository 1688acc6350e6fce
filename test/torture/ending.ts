import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import { disagreements } from "./agreement.ts";
import type { Cairn } from "./cairn.ts";
import { changed, type Developer } from "./developer.ts";
import { gather } from "./evidence.ts";
import type { InsistentCaller } from "./insistent-caller.ts";
import type { ServiceRecord } from "./record.ts";
import { openOperations } from "./tables.ts";
import type { Tampered } from "./tampering.ts";

export type Ending = {
  cairn: Cairn;
  records: readonly ServiceRecord[];
  developers: readonly Developer[];
  random: Random;
  tampered: readonly Tampered[];
  askAs: (team: string) => InsistentCaller;
  report: (violation: Violation) => void;
  say: (line: string) => void;
};

/**
 * Faults have stopped. Three times everything has to settle and agree: as it fell; after what failed was tried again and
 * everything was changed once more, which also mends what others did; and after everything was deleted.
 */
export async function ending(all: Ending): Promise<void> {
  const { developers, records, random } = all;
  await settled(all, "no more faults");
  await agree(all, "as it fell", false);

  for (let round = 0; round < 3 && (await retryFailed(all)) > 0; round++) await settled(all, "failed ones again");
  for (const { record, send } of developers) {
    const { team, service, environment, live } = record;
    if (live.size > 0)
      await send({ action: "apply", team, service, environment, wishes: changed(record, live.values(), random) });
  }
  await settled(all, "everything changed");
  await agree(all, "mended", true);
  await noFindings(all);

  for (const { record, send } of developers) {
    const { team, service, environment, live } = record;
    if (live.size > 0) await send({ action: "delete", team, service, environment, names: null });
  }
  await settled(all, "everything deleted");
  await agree(all, "empty", true);
  const left = records.reduce((sum, { live }) => sum + live.size, 0);
  if (left > 0) all.report({ law: "I2", what: `${left} resources outlived the deletion of everything` });
}

/**
 * I3: two sweeps, a lease, a pause and a breaker's make 40 s here, and a budget lets five operations a second through. A shared
 * machine gets more than twice that.
 */
async function settled({ cairn, report, say }: Ending, what: string): Promise<void> {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const first = await openOperations(cairn.endpoints());
  const limit = 90 + first.length / 2;
  for (let open = first; open.length > 0; open = await openOperations(cairn.endpoints())) {
    if (seconds() > limit) {
      const told = open
        .slice(0, 5)
        .map(({ name, kind, status, reason }) => `${kind} of ${name} is ${status} (${reason})`);
      report({
        law: "I3",
        what: `${open.length} operations are open ${limit} s after the last fault: ${told.join("; ")}`,
      });
      return;
    }
    await sleep(250);
  }
  say(`${what}: ${first.length} operations were open, all ended after ${seconds().toFixed(1)} s`);
}

/** Nothing differs any more, so what drift was found has to be resolved, and none may be seen where none is. */
async function noFindings({ records, askAs, report, say }: Ending): Promise<void> {
  const began = performance.now();
  for (const team of new Set(records.map((record) => record.team))) {
    for (;;) {
      const { text } = await askAs(team)("GET", "/v1/drift/findings?limit=5");
      const { items } = JSON.parse(text) as { items: { pointer: string; resource: { name: string } }[] };
      if (items.length === 0) break;
      if (performance.now() - began > 120_000) {
        report({ law: "DRIFT", what: `${team} still has findings where nothing differs: ${JSON.stringify(items)}` });
        return;
      }
      await sleep(500);
    }
  }
  say(`mended: no drift is found after ${((performance.now() - began) / 1000).toFixed(1)} s`);
}

async function agree({ cairn, records, tampered, askAs, report, say }: Ending, name: string, mended: boolean) {
  const evidence = await gather(cairn.endpoints(), records, askAs);
  const found = disagreements({ records, evidence, tampered, mended });
  for (const violation of found) report(violation);
  const statuses = Map.groupBy(evidence.resources.values(), ({ status }) => status);
  const counts = [...statuses].map(([status, list]) => `${list.length} ${status}`).join(", ");
  const intents = records.reduce((sum, { accepted }) => sum + accepted.length, 0);
  const verdict = found.length === 0 ? "everything agrees" : `${found.length} DISAGREEMENTS`;
  say(
    `${name}: ${verdict} (${intents} intents; resources ${counts}; ${evidence.ledger.length} objects made, ${evidence.calls.length} cloud calls)`,
  );
  for (const [reason, list] of Map.groupBy(
    statuses.get("FAILED") ?? [],
    ({ reason }) => `${reason?.code} ${reason?.message}`,
  ))
    say(`  ${list.length} FAILED: ${reason}`);
}

async function retryFailed({ records, askAs, report }: Ending): Promise<number> {
  let retried = 0;
  for (const team of new Set(records.map((record) => record.team))) {
    const ask = askAs(team);
    const { text } = await ask("GET", "/v1/resources?status=FAILED&limit=100");
    for (const { id } of (JSON.parse(text) as { items: { id: string }[] }).items) {
      const reply = await ask("POST", `/v1/resources/${id}/retry`, {});
      if (reply.status !== 202 && reply.status !== 409)
        report({ law: "API", what: `retry of ${id}: ${reply.status} ${reply.text}` });
      retried += 1;
    }
  }
  return retried;
}
