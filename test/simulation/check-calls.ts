import { hashOf, type Json } from "../../core/json.ts";
import type { CloudCommand } from "./cloud.ts";
import type { Run } from "./run.ts";
import { ledgerOf, type Side, type Sides } from "./sides.ts";
import { type State, short } from "./state.ts";
import type { OperationRow } from "./written.ts";

/** A call as its provider got it. */
export type Call = { run: Run; side: Side; service: string | null; label: string; command: CloudCommand };

type Input = {
  ClientToken?: string;
  DesiredState?: string;
  TypeName?: string;
  Identifier?: string;
  sql?: string;
  SecretId?: string;
};

/** What is asked of providers, looked at from the provider's side: I1, I7, ORDER, F6. */
export function checkCalls(state: State, sides: Sides) {
  const { report, operations, resources } = state;
  /** Every token that was ever committed as about to be used, and the hashes of the values it was committed with. */
  const committed = new Map<string, Set<string>>();
  const asked = new Map<string, number>();

  function remember({ token, sent }: OperationRow): void {
    const known = committed.get(token) ?? new Set();
    if (sent !== null) known.add(sent);
    committed.set(token, known);
  }

  function after({ run, side, command }: Call): void {
    oneLiving(side);
    const input = command.input as Input;
    if (input.ClientToken !== undefined && side.provider === "aws") underToken(command.constructor.name, input);
    if (isChange(command)) recorded(run, command);
    if (isRemoval(command)) wanted(side, command);
  }

  function oneLiving(side: Side): void {
    const living = new Set<string>();
    for (const { owner, kind, deletedAt, identifier } of ledgerOf(side).objects) {
      if (deletedAt !== null) continue;
      if (living.has(owner + kind))
        report("I1", `two objects of resource ${short(owner)} live, one of them ${identifier}`);
      living.add(owner + kind);
    }
    if (side.provider !== "aws") return;
    const changing = new Set<string>();
    for (const { owner, id } of side.cloud.inFlight()) {
      if (changing.has(owner)) report("I1", `two changes of resource ${short(owner)} are in flight, one of them ${id}`);
      changing.add(owner);
    }
  }

  function underToken(name: string, { ClientToken = "", DesiredState }: Input): void {
    const known = committed.get(ClientToken);
    if (known === undefined) report("I7", `${name} under a token that was not committed before`);
    else if (DesiredState !== undefined && !known.has(hashOf(JSON.parse(DesiredState) as Json)))
      report("I7", `${name} with other values than the operation says`);
  }

  /** Without tokens too, that something is about to be asked is written down before. */
  function recorded(run: Run, { constructor: { name } }: CloudCommand): void {
    const operation = run.operation === null ? undefined : operations.byId.get(run.operation);
    if (operation === undefined) report("I7", `${name} in the name of no operation`);
    else if (operation.sent === null) report("I7", `${name} before it was written down that it is asked`);
  }

  /** Nothing is removed that nobody asked to remove (F14), nor before what uses it, as the cloud knows it. */
  function wanted(side: Side, command: CloudCommand): void {
    const identifier = removed(command);
    const object = ledgerOf(side).objects.findLast((one) => one.identifier === identifier);
    const owner = object === undefined ? undefined : resources.byId.get(object.owner);
    if (owner !== undefined && !owner.deleting) report("F14", `${identifier} is deleted, and ${owner.name} is wanted`);
    const name = (object?.properties.Name ?? identifier) as string;
    const user = sides
      .objects()
      .find(
        ({ deletedAt, owner: user, properties: { Uses = [] } }) =>
          deletedAt === null &&
          (Uses as string[]).some((endpoint) => endpoint.startsWith(`${name}:`)) &&
          resources.byId.get(user)?.reason !== "ABANDONED",
      );
    if (user !== undefined) report("ORDER", `${identifier} is deleted while ${user.identifier} still uses it`);
  }

  /** Retries live in one layer: an invocation asks once, and what failed waits as a row. */
  function before(run: Run, label: string, { side, service }: { side: Side; service: string | null }): void {
    const key = `${side.key} ${service}`;
    asked.set(key, (asked.get(key) ?? 0) + 1);
    // Whoever is in the way of the next statement is another session.
    if (run.operation !== null && run.failed.has(label) && !label.includes("SELECT count"))
      report("F6", `run ${run.id} asks again: ${label}`);
  }

  /** Calls of the part of a target that has a storm, whatever became of them. */
  function countIn({ key, storm }: Side): number {
    let count = 0;
    for (const [where, calls] of asked) {
      if (storm === null || storm.service === null ? where.startsWith(`${key} `) : where === `${key} ${storm.service}`)
        count += calls;
    }
    return count;
  }

  return { remember, before, after, countIn };
}

const removals = /^(Delete(Resource|Secret))Command$/;
const drop = /DROP (?:DATABASE IF EXISTS|ROLE) "(.+?)"/;

function removed({ input }: CloudCommand): string {
  const { Identifier, SecretId, sql = "" } = input as Input;
  return Identifier ?? SecretId ?? drop.exec(sql)?.[1] ?? "";
}

function isRemoval({ constructor: { name }, input }: CloudCommand): boolean {
  return removals.test(name) || drop.test((input as Input).sql ?? "");
}

function isChange({ constructor: { name }, input }: CloudCommand): boolean {
  const { sql } = input as Input;
  return sql === undefined ? /^(Create|Update|Delete)/.test(name) : !/^\s*select/i.test(sql);
}
