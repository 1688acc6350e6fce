import { expect, test } from "vitest";
import type { IntentView } from "../../core/intent.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Resource } from "../../core/resource.ts";
import { tokenOf } from "./agree-tables.ts";
import { disagreements } from "./agreement.ts";
import type { Party } from "./party.ts";
import { newRecord, takeNote } from "./record.ts";
import type { Wish } from "./wishes.ts";

const staging = { team: "payments", service: "orders", environment: "staging" };
const production = { team: "people", service: "accounts", environment: "production" };

const wishes = {
  jobs: { type: "queue", parameters: { visibilityTimeoutSeconds: 7 }, uses: [] },
  db: { type: "postgres", class: "medium", parameters: {}, uses: [] },
  letter: { type: "parameter", parameters: { value: "to ${resources.jobs.outputs.arn}" }, uses: ["jobs"] },
  files: { type: "bucket", parameters: { expireAfterDays: 3 }, uses: [] },
} satisfies { [name: string]: Wish };
const instance = { type: "postgres", parameters: { backupRetentionDays: 9 }, uses: [] } satisfies Wish;

test("parties that agree are said to agree", () => {
  expect(disagreements(agreeing())).toEqual([]);
});

/** The checker is checked: each plants one fault that no run may overlook. */
const plants: { fault: string; law: string; plant: (party: Party) => void }[] = [
  { fault: "an intent is gone", law: "I2", plant: ({ evidence }) => evidence.intents.delete("intent-1") },
  {
    fault: "an intent is not terminal",
    law: "I2",
    plant: ({ evidence }) => Object.assign(evidence.intents.get("intent-1") ?? {}, { status: "SYNCING" }),
  },
  { fault: "an intent was taken twice", law: "I1", plant: ({ evidence }) => evidence.tables.intents.push("again") },
  {
    fault: "an operation never ends",
    law: "I3",
    plant: ({ evidence }) => Object.assign(evidence.tables.operations[0] ?? {}, { status: "WAITING" }),
  },
  { fault: "a drift run never ends", law: "I3", plant: ({ evidence }) => evidence.tables.lostRuns.push("run") },
  {
    fault: "a key is answered otherwise",
    law: "I6",
    plant: ({ evidence }) => evidence.replays.set("key-1", { status: 202, text: "{}", replayed: true }),
  },
  {
    fault: "a key is bound to another intent",
    law: "I6",
    plant: ({ evidence }) => Object.assign(evidence.tables.keys[0] ?? {}, { intent: "intent-2" }),
  },
  {
    fault: "a resource failed although nothing fails any more",
    law: "I3",
    plant: ({ evidence }) => Object.assign(evidence.resources.get("id-jobs-00000001") ?? {}, { status: "FAILED" }),
  },
  {
    fault: "a resource is gone",
    law: "I3",
    plant: ({ evidence }) => evidence.resources.delete("id-jobs-00000001"),
  },
  {
    fault: "a resource was made twice",
    law: "I1",
    plant: ({ evidence }) => evidence.tables.resources.push({ id: "another", generation: 0 }),
  },
  {
    fault: "two objects live at once",
    law: "I1",
    plant: ({ evidence }) => evidence.ledger.push({ ...objectOf(evidence, "queue"), createdAt: "2026-01-02" }),
  },
  {
    fault: "an object was made a second time after the first was lost",
    law: "I5",
    plant({ evidence }) {
      evidence.ledger.push({ ...objectOf(evidence, "queue"), createdAt: "2026-01-03" });
      objectOf(evidence, "queue").deletedAt = "2026-01-02";
    },
  },
  {
    fault: "nothing is there for what is READY",
    law: "I5",
    plant({ evidence }) {
      objectOf(evidence, "queue").deletedAt = "2026-01-02";
    },
  },
  {
    fault: "what was deleted lives",
    law: "I5",
    plant({ evidence }) {
      objectOf(evidence, "bucket").deletedAt = null;
    },
  },
  {
    fault: "an object shows another value",
    law: "I5",
    plant({ evidence }) {
      objectOf(evidence, "queue").properties.VisibilityTimeout = 8;
    },
  },
  {
    fault: "a reference was filled in with an old output",
    law: "I5",
    plant: ({ evidence }) => Object.assign(evidence.resources.get("id-jobs-00000001")?.outputs ?? {}, { arn: "new" }),
  },
  {
    fault: "an object belongs to nobody",
    law: "I1",
    plant: ({ evidence }) =>
      evidence.ledger.push({ ...objectOf(evidence, "queue"), properties: { Tags: [tag("nobody")] } }),
  },
  { fault: "a database has no role", law: "I5", plant: ({ evidence }) => evidence.roles.pop() },
  {
    fault: "a database is left over",
    law: "I1",
    plant: ({ evidence }) => evidence.databases.push({ name: "left", owner: null, connectionLimit: 1 }),
  },
  {
    fault: "a database does not open with its secret",
    law: "I5",
    plant: ({ evidence }) => evidence.logins.set("id-db-00000002", "password authentication failed"),
  },
  {
    fault: "a database has another limit",
    law: "I5",
    plant: ({ evidence }) => Object.assign(evidence.databases[0] ?? {}, { connectionLimit: 3 }),
  },
  {
    fault: "a secret is there twice",
    law: "I5",
    plant: ({ evidence }) => evidence.secrets.push({ name: "again", owner: "id-db-00000002" }),
  },
  {
    fault: "an instance's secret outlived it",
    law: "I5",
    plant: ({ evidence }) => evidence.secrets.push({ name: "rds!db-left", owner: null }),
  },
  {
    fault: "a call bears a token that nobody wrote down",
    law: "I7",
    plant: ({ evidence }) => Object.assign(evidence.calls[0] ?? {}, { clientToken: "made up" }),
  },
  {
    fault: "a provider was asked without an allow",
    law: "I7",
    plant: ({ evidence }) => Object.assign(evidence.tables.operations[0] ?? {}, { bound: false }),
  },
  {
    fault: "an end is not in the audit log",
    law: "I8",
    plant: ({ evidence }) => evidence.tables.audit.operations.pop(),
  },
  {
    fault: "an end is in the audit log twice",
    law: "I8",
    plant: ({ evidence }) => Object.assign(evidence.tables.audit.operations[0] ?? {}, { count: 2 }),
  },
  {
    fault: "a generation is not in the audit log",
    law: "I8",
    plant: ({ evidence }) => evidence.tables.audit.generations.pop(),
  },
  {
    fault: "an intent is not in the audit log",
    law: "I8",
    plant: ({ evidence }) => evidence.tables.audit.intents.pop(),
  },
];

test.each(plants)("it is seen when $fault", ({ law, plant }) => {
  const party = agreeing();
  plant(party);
  expect(disagreements(party).map((violation) => violation.law)).toContain(law);
});

test("what somebody did behind Cairn's back is no disagreement until it had to be mended", () => {
  const tampered = agreeing();
  tampered.tampered = [{ resource: "id-jobs-00000001", how: "deleted" }];
  objectOf(tampered.evidence, "queue").deletedAt = "2026-01-02";
  expect(disagreements({ ...tampered, mended: false })).toEqual([]);
  expect(disagreements(tampered)).not.toEqual([]);
});

test("an answer that names another resource than before contradicts itself", () => {
  const record = newRecord(staging);
  const apply = { action: "apply", ...staging, wishes: { jobs: wishes.jobs } } as const;
  const answer = (id: string) => JSON.stringify({ id: "intent", resources: [{ id, name: "jobs" }] });
  expect(takeNote(record, "one", apply, answer("first"))).toEqual([]);
  expect(takeNote(record, "two", apply, answer("second"))).toHaveLength(1);
});

function objectOf({ ledger }: Party["evidence"], type: string) {
  const found = ledger.find(({ identifier }) => identifier === `the ${type}`);
  if (found === undefined) throw new Error(`no ${type}`);
  return found;
}

function tag(id: string): JsonObject {
  return { Key: "cairn:resource-id", Value: id };
}

/** Two services, four resources that are there and one that is deleted, and everybody says so. */
function agreeing(): Party & { tampered: { resource: string; how: "changed" | "deleted" }[] } {
  const [orders, accounts] = [newRecord(staging), newRecord(production)];
  const ids = {
    jobs: "id-jobs-00000001",
    db: "id-db-00000002",
    letter: "id-letter-00000003",
    files: "id-files-00000004",
  };
  const main = "id-main-00000005";
  const view = (id: string, parts: { [name: string]: string }) => ({
    id,
    status: "READY",
    resources: Object.entries(parts).map(([name, resource]) => ({ id: resource, name })),
  });
  const views = [view("intent-1", ids), view("intent-2", { files: ids.files }), view("intent-3", { main })];
  takeNote(orders, "key-1", { action: "apply", ...staging, wishes }, JSON.stringify(views[0]));
  takeNote(orders, "key-2", { action: "delete", ...staging, names: ["files"] }, JSON.stringify(views[1]));
  takeNote(accounts, "key-3", { action: "apply", ...production, wishes: { main: instance } }, JSON.stringify(views[2]));

  const resource = (id: string, name: string, status: string, outputs: JsonObject = {}) =>
    [id, { id, name, status, outputs, reason: null } as unknown as Resource] as const;
  const item = (type: string, id: string, properties: JsonObject, deletedAt: string | null = null) => ({
    typeName: type === "instance" ? "AWS::RDS::DBInstance" : `AWS::${type}`,
    identifier: `the ${type}`,
    clientToken: tokenOf(id, 1, "apply", 1),
    createdAt: "2026-01-01",
    deletedAt,
    properties: { ...properties, Tags: [tag(id)] },
  });
  const operations = [ids.jobs, ids.db, ids.letter, ids.files, main].map((id) => operation(id, 1, "apply"));
  operations.push(operation(ids.files, 2, "delete"));
  return {
    records: [orders, accounts],
    mended: true,
    tampered: [],
    evidence: {
      intents: new Map(views.map((one) => [one.id, one as unknown as IntentView])),
      resources: new Map([
        resource(ids.jobs, "jobs", "READY", { arn: "arn-1" }),
        resource(ids.db, "db", "READY"),
        resource(ids.letter, "letter", "READY"),
        resource(ids.files, "files", "DELETED"),
        resource(main, "main", "READY"),
      ]),
      replays: new Map(
        [orders, accounts].flatMap(({ accepted }) =>
          accepted.map(({ key, text }) => [key, { status: 202, text, replayed: true }] as const),
        ),
      ),
      ledger: [
        item("queue", ids.jobs, { VisibilityTimeout: 7 }),
        item("parameter", ids.letter, { Value: "to arn-1" }),
        item("bucket", ids.files, {}, "2026-01-02"),
        item("instance", main, { BackupRetentionPeriod: 9 }),
      ],
      calls: operations.map(({ resource: id, generation, kind }) => ({
        at: "2026-01-01",
        operation: kind === "delete" ? "DeleteResource" : "CreateResource",
        clientToken: tokenOf(id, generation, kind, 1),
        result: "ok",
      })),
      secrets: [
        { name: "cairn/store/owner", owner: null },
        { name: "rds!db-1", owner: null },
        { name: "orders_db", owner: ids.db },
      ],
      databases: [{ name: "orders_db", owner: ids.db, connectionLimit: 50 }],
      roles: [{ name: "orders_db", owner: ids.db }],
      logins: new Map([[ids.db, "open"]]),
      tables: {
        intents: views.map(({ id }) => id),
        keys: [
          { team: "payments", key: "key-1", intent: "intent-1" },
          { team: "payments", key: "key-2", intent: "intent-2" },
          { team: "people", key: "key-3", intent: "intent-3" },
        ],
        resources: operations
          .filter(({ resource: id, generation }) => generation === (id === ids.files ? 2 : 1))
          .map(({ resource: id, generation }) => ({ id, generation })),
        operations,
        lostRuns: [],
        audit: {
          operations: operations.map(({ id, kind }) => ({
            subject: id,
            event: kind === "delete" ? "operation.deleted" : "operation.ready",
            count: 1,
          })),
          generations: operations.map(({ resource: id, generation }) => ({
            subject: `${id} ${generation}`,
            event: "resource.update",
            count: 1,
          })),
          intents: views.map(({ id }) => ({ subject: id, event: "intent.accepted", count: 1 })),
        },
      },
    },
  };
}

function operation(resource: string, generation: number, kind: "apply" | "delete") {
  const id = `${resource}, ${generation}`;
  return { id, resource, generation, kind, status: "SUCCEEDED", attempt: 1, bound: true };
}
