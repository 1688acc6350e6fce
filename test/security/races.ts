import { describe, expect, test } from "vitest";
import type { IntentView } from "../../core/intent.ts";
import type { Resource } from "../../core/resource.ts";
import { intentEnd, ledgerOf, resourcesOf } from "../support/machine.ts";
import { type Side, type Stage, sendIntent } from "./stage.ts";

/** Many at once over HTTP: invariants I1, I2, I3 and I6 through every layer. */
export function races(stage: () => Stage): void {
  describe("many at once", () => {
    test("50 of one intent under one key are one intent, and all get its answer", async () => {
      const { payments, superuser } = stage();
      const answers = await Promise.all(
        Array.from({ length: 50 }, () =>
          sendIntent(payments, "twins", { resources: { jobs: { type: "queue" } } }, "fifty-of-one"),
        ),
      );
      expect([...new Set(answers.map(({ status }) => status))]).toEqual([202]);
      expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
      expect(answers.filter(({ headers }) => headers.get("idempotent-replayed") !== "true")).toHaveLength(1);
      const stored = await superuser.query("select id from cairn.intents where service = 'twins'");
      expect(stored.rows).toEqual([{ id: answers[0]?.body.id }]);
      expect((await intentEnd(payments.developer, answers[0]?.body.id ?? "")).status).toBe("READY");
      expect(await live(stage(), "twins")).toHaveLength(1);
    });

    test("50 with one key and two payloads are one intent, and the other payload is refused", async () => {
      const { payments, superuser } = stage();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          sendIntent(
            payments,
            "quarrel",
            { resources: { jobs: { type: "queue", parameters: { delaySeconds: index % 2 } } } },
            "fifty-of-two",
          ),
        ),
      );
      const statuses = new Set(answers.map(({ status }) => status));
      expect([...statuses].sort()).toEqual([202, 422]);
      expect(new Set(answers.filter(({ status }) => status === 202).map(({ body }) => body.id)).size).toBe(1);
      expect((await superuser.query("select from cairn.intents where service = 'quarrel'")).rowCount).toBe(1);
    });

    test("30 different intents for one resource end in one object as the newest wants it", async () => {
      const { payments, superuser } = stage();
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          sendIntent(payments, "crowd", {
            resources: { jobs: { type: "queue", parameters: { delaySeconds: index } } },
          }),
        ),
      );
      // What lost the race too often is told to come again, and nothing of it is stored.
      const accepted = answers.filter(({ status }) => status === 202);
      for (const { status, headers } of answers)
        if (status !== 202) expect([status, headers.get("retry-after")]).toEqual([503, "1"]);
      expect(accepted.length).toBeGreaterThan(0);
      const ends = await Promise.all(accepted.map(({ body }) => intentEnd(payments.developer, body.id)));
      for (const { status } of ends) expect(["READY", "SUPERSEDED"]).toContain(status);

      const jobs = (await resourcesOf(payments.developer, "crowd")).get("jobs") as Resource;
      const newest = await superuser.query(
        `select i.document->'resources'->'jobs'->'parameters'->>'delaySeconds' as delay
         from cairn.intents i join cairn.intent_resources p on p.team_id = i.team_id and p.intent_id = i.id
         join cairn.operations o on o.team_id = p.team_id and o.id = p.operation_id
         where i.service = 'crowd' order by o.generation desc limit 1`,
      );
      expect([jobs.status, jobs.parameters.delaySeconds]).toEqual(["READY", Number(newest.rows[0].delay)]);
      const objects = await live(stage(), "crowd");
      expect(objects.map(({ properties }) => properties.DelaySeconds)).toEqual([jobs.parameters.delaySeconds]);
    });

    test("a storm of applies and deletes leaves nothing stuck, and nothing that Cairn does not know", async () => {
      const { payments } = stage();
      const storm = Array.from({ length: 24 }, (_, index) =>
        index % 3 === 2
          ? sendIntent(payments, "storm", { action: "delete", resources: index % 2 ? { files: {} } : undefined })
          : sendIntent(payments, "storm", { resources: pair(index) }),
      );
      const answers = await Promise.all(storm);
      for (const { status } of answers) expect([202, 400, 409, 503]).toContain(status);
      const accepted = answers.filter(({ status }) => status === 202);
      const ends = await Promise.all(
        accepted.map(({ body }: { body: IntentView }) => intentEnd(payments.developer, body.id)),
      );
      for (const { status } of ends) expect(["READY", "SUPERSEDED", "DELETED"]).toContain(status);
      await agree(payments, stage());

      const last = await sendIntent(payments, "storm", { resources: pair(99) });
      expect((await intentEnd(payments.developer, last.body.id)).status).toBe("READY");
      expect(await agree(payments, stage())).toBe(2);
    });
  });
}

const pair = (delaySeconds: number) => ({
  files: { type: "bucket" },
  note: {
    type: "parameter",
    parameters: { value: "${resources.files.outputs.arn}", description: `number ${delaySeconds}` },
  },
});

/** The team's resources of the storm and the live objects are the same, one for one. */
async function agree(side: Side, stage: Stage): Promise<number> {
  const known = [...(await resourcesOf(side.developer, "storm")).values()];
  expect(known.filter(({ status }) => status !== "READY")).toEqual([]);
  const objects = await live(stage, "storm");
  expect(objects.map(({ identifier }) => identifier).sort()).toEqual(
    known.map(({ external }) => external?.identifier).sort(),
  );
  return known.length;
}

async function live(stage: Stage, service: string) {
  const ledger = await ledgerOf(stage.endpoints);
  return ledger.filter(({ identifier, deletedAt }) => deletedAt === null && identifier.includes(`${service}-`));
}
