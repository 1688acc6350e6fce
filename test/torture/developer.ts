import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../simulation/random.ts";
import type { Violation } from "../simulation/violation.ts";
import type { InsistentCaller, Reply } from "./insistent-caller.ts";
import { pickWeighted } from "./pick-weighted.ts";
import { documentOf, type ServiceRecord, takeNote, type Wanted } from "./record.ts";
import { drawWish, type TypeName, typeNames, type Wish } from "./wishes.ts";
import { wrongRequests } from "./wrong-requests.ts";

export type Developer = {
  record: ServiceRecord;
  /** One thing that a developer does, answered to the end. */
  act(): Promise<void>;
  /** Sends an intent, asking until it is answered; 202 is expected. */
  send(wanted: Wanted): Promise<void>;
};

export type DeveloperOptions = {
  record: ServiceRecord;
  ask: InsistentCaller;
  /** As another role or team, for requests that have to be refused. */
  others: { viewer: InsistentCaller; stranger: InsistentCaller; nobody: InsistentCaller };
  random: Random;
  report: (violation: Violation) => void;
};

const names = ["db", "cache", "events", "jobs", "files", "api-key", "config", "letters", "audit", "index"];
const most = 8;

/** The only one who changes a service: applies, changes, deletes, asks again, and gets things wrong. */
export function createDeveloper({ record, ask, others, random, report }: DeveloperOptions): Developer {
  const { team, service, environment } = record;
  const place = { team, service, environment };

  const actions = [
    { weight: 30, act: make },
    { weight: 22, act: change },
    { weight: 6, act: sameAgain },
    { weight: 16, act: deleteSome },
    { weight: 3, act: deleteAll },
    { weight: 8, act: askForOldAnswer },
    { weight: 8, act: wrongly },
    { weight: 4, act: retryFailed },
    { weight: 8, act: look },
  ];

  return {
    record,
    send,
    async act() {
      await pickWeighted(actions, random).act();
      await sleep(300 + random.next() * 2000);
    },
  };

  async function make(): Promise<void> {
    const free = names.filter((name) => !record.live.has(name));
    if (record.live.size >= most || free.length === 0) return deleteSome();
    const wishes: { [name: string]: Wish } = {};
    for (let count = 1 + random.below(3); count > 0 && free.length > 0; count--) {
      const [name = ""] = free.splice(random.below(free.length), 1);
      wishes[name] = drawWish(random.pick(typeNames), ground(wishes));
    }
    await send({ action: "apply", ...place, wishes });
  }

  async function change(): Promise<void> {
    const chosen = [...record.live.values()].filter(() => random.chance(0.3));
    if (chosen.length === 0) return make();
    await send({ action: "apply", ...place, wishes: changed(record, chosen, random) });
  }

  async function sameAgain(): Promise<void> {
    const [known] = someLive();
    if (known !== undefined) await send({ action: "apply", ...place, wishes: { [known.name]: known.wish } });
  }

  async function deleteSome(): Promise<void> {
    const [first] = someLive();
    if (first === undefined) return;
    const users = usersOf(record, first.name);
    if (users.length > 0 && random.chance(0.2)) {
      // What others use is not deleted without them.
      const wanted: Wanted = { action: "delete", ...place, names: [first.name] };
      return expect("delete what is used", 409, await ask("POST", "/v1/intents", documentOf(wanted), randomUUID()));
    }
    await send({ action: "delete", ...place, names: [first.name, ...users] });
  }

  async function deleteAll(): Promise<void> {
    if (record.live.size > 0) await send({ action: "delete", ...place, names: null });
  }

  async function askForOldAnswer(): Promise<void> {
    if (record.accepted.length === 0) return;
    const { key, document, text } = random.pick(record.accepted);
    const reply = await ask("POST", "/v1/intents", document, key);
    if (reply.status !== 202 || reply.text !== text || !reply.replayed) {
      report({ law: "I6", what: `key ${key} was answered ${text} and is now answered ${reply.status} ${reply.text}` });
    }
  }

  async function wrongly(): Promise<void> {
    const { name, expected, send: sendWrong } = random.pick(wrongRequests);
    const known = record.accepted.at(-1);
    expect(name, expected, await sendWrong({ place, known, ask, ...others }));
  }

  async function retryFailed(): Promise<void> {
    const reply = await ask(
      "GET",
      `/v1/resources?service=${service}&environment=${environment}&status=FAILED&limit=100`,
    );
    const { items } = JSON.parse(reply.text) as { items: { id: string }[] };
    for (const { id } of items) {
      const { status, text } = await ask("POST", `/v1/resources/${id}/retry`, {});
      // Something else may have set it going meanwhile, or an answer that was lost.
      if (status !== 202 && status !== 409)
        report({ law: "API", what: `retry of ${id} is answered ${status} ${text}` });
    }
  }

  /** What was answered 202 is there at once, whatever has happened since. */
  async function look(): Promise<void> {
    const reply = await ask("GET", `/v1/resources?service=${service}&environment=${environment}&limit=100`);
    if (reply.status !== 200) return expect("a list", 200, reply);
    const seen = new Map(
      (JSON.parse(reply.text) as { items: { id: string; name: string }[] }).items.map((item) => [item.id, item]),
    );
    for (const { id, name } of record.live.values()) {
      if (!seen.has(id))
        report({ law: "I2", what: `${team}/${service} ${name} (${id}) was accepted and is not listed` });
      seen.delete(id);
    }
    const stranger = [...seen.values()].find(({ id }) => !record.deleted.has(id));
    if (stranger !== undefined)
      report({
        law: "I2",
        what: `${team}/${service} lists ${stranger.name} (${stranger.id}), which nobody was promised`,
      });
  }

  async function send(wanted: Wanted): Promise<void> {
    const key = randomUUID();
    const document = documentOf(wanted);
    // Sometimes twice at once: both have to hear the same.
    const replies = await Promise.all(
      Array.from({ length: random.chance(0.06) ? 2 : 1 }, () => ask("POST", "/v1/intents", document, key)),
    );
    const told = replies.filter(({ status }) => status === 202);
    for (const { status, text } of replies) {
      if (status !== 202) report({ law: "API", what: `${JSON.stringify(document)} is answered ${status} ${text}` });
      if (status === 202 && text !== told[0]?.text)
        report({ law: "I6", what: `key ${key}, sent twice at once, is answered ${told[0]?.text} and ${text}` });
    }
    if (told[0] === undefined) return;
    for (const what of takeNote(record, key, wanted, told[0].text)) report({ law: "I2", what });
  }

  function expect(what: string, status: number, reply: Reply): void {
    if (reply.status !== status)
      report({ law: "API", what: `${what}: ${status} is expected, and ${reply.status} ${reply.text} came` });
  }

  function someLive() {
    return record.live.size === 0 ? [] : [random.pick([...record.live.values()])];
  }

  function ground(more: { [name: string]: Wish }) {
    const usable = [...record.live.values(), ...Object.entries(more).map(([name, wish]) => ({ name, wish }))];
    return { random, environment, usable: usable.map(({ name, wish: { type } }) => ({ name, type })) };
  }
}

/** Other wishes for the same resources. Each may use what came to be before it. */
export function changed(
  record: ServiceRecord,
  chosen: Iterable<{ name: string; wish: Wish }>,
  random: Random,
): { [name: string]: Wish } {
  const order = [...record.live.values()].map(
    ({ name, wish: { type } }) => ({ name, type }) satisfies { name: string; type: TypeName },
  );
  return Object.fromEntries(
    [...chosen].map(({ name, wish }) => {
      const usable = order.slice(
        0,
        order.findIndex((other) => other.name === name),
      );
      return [name, drawWish(wish.type, { random, environment: record.environment, usable }, wish)];
    }),
  );
}

/** Everything that cannot do without it. */
function usersOf(record: ServiceRecord, name: string): string[] {
  const users = new Set<string>();
  add(name);
  return [...users];

  function add(used: string): void {
    for (const known of record.live.values()) {
      if (!known.wish.uses.includes(used) || users.has(known.name)) continue;
      users.add(known.name);
      add(known.name);
    }
  }
}
