import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { type FullRun, fullRun } from "./full-run.ts";
import { type Evidence, judge } from "./judge.ts";
import { measure } from "./measure.ts";
import type { Statement } from "./policy.ts";
import type { Role } from "./roles.ts";
import { privilegesTable } from "./table.ts";

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");

describe("what a full run calls, beside what each role allows", () => {
  let run: FullRun;
  let evidence: Evidence & { label: (resource: string) => string };
  beforeAll(async () => {
    run = await fullRun();
    evidence = await measure(run);
  }, 600_000);

  test("the run has called every route of the API, and every function has called something", () => {
    const { paths } = JSON.parse(read("openapi.json")) as { paths: { [path: string]: { [method: string]: unknown } } };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => ({ method: method.toUpperCase(), path })),
    );
    const uncalled = routes.filter(({ method, path }) => {
      const pattern = new RegExp(`^${method} ${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`);
      return ![...run.routes].some((route) => pattern.test(route));
    });
    expect(uncalled).toEqual([]);
    const idle = evidence.roles.filter(({ name }) => !evidence.deeds.has(name)).map(({ name }) => name);
    expect(idle.sort()).toEqual(["caller-ci", "the trigger of migrations"]);
  });

  test("nothing is missing, nothing is granted for nothing, and nothing is wider than AWS takes it", () => {
    const { missing, needless, wide } = judge(evidence);
    expect({ missing, needless, wide }).toEqual({ missing: [], needless: [], wide: [] });
  });

  test("docs/privileges.md has this table: else `npm run privileges`", () => {
    const table = privilegesTable(judge(evidence).rights, evidence.label);
    expect(/<!-- table -->\n([\s\S]*?)\n<!-- end -->/.exec(read("docs/privileges.md"))?.[1]).toBe(table);
  });

  test("each grant that is taken away is missed", () => {
    const used = judge(evidence).rights.filter(({ reason }) => reason === null);
    const taken = new Set(used.map(({ role, action }) => `${role}: ${action}`));
    expect(taken.size).toBeGreaterThan(150);
    for (const one of taken) {
      const [role = "", action = ""] = one.split(": ");
      const { missing } = judge({ ...evidence, roles: without(evidence.roles, role, action) });
      expect([one, missing.some((line) => line.startsWith(one))]).toEqual([one, true]);
    }
  });

  test("a grant on another resource does not stand for the one that is used", () => {
    const elsewhere = changed(evidence.roles, "sweep", (statement) => ({
      ...statement,
      resources: statement.resources.map((resource) =>
        resource.replace(/:secret:cairn\/store\/worker/, ":secret:other"),
      ),
    }));
    expect(judge({ ...evidence, roles: elsewhere })).toMatchObject({
      missing: [expect.stringMatching(/^sweep: secretsmanager:GetSecretValue on .*worker/)],
      needless: [expect.stringMatching(/^sweep: secretsmanager:GetSecretValue on .*other/)],
    });
  });

  test("nor does one whose condition the calls do not meet", () => {
    const narrowed = changed(evidence.roles, "api", (statement) => ({
      ...statement,
      conditions: statement.actions.includes("kms:Decrypt")
        ? { StringEquals: { "kms:ViaService": "s3.eu-central-1.amazonaws.com" } }
        : statement.conditions,
    }));
    expect(judge({ ...evidence, roles: narrowed }).missing).toEqual([expect.stringMatching(/^api: kms:Decrypt/)]);
  });

  test.each([
    { role: "api", action: "sqs:DeleteQueue", resource: "arn:aws:sqs:eu-central-1:000000000000:jobs" },
    {
      role: "sweep",
      action: "states:StartExecution",
      resource: "arn:aws:states:eu-central-1:000000000000:stateMachine:x",
    },
    {
      role: "the machine drift",
      action: "lambda:InvokeFunction",
      resource: "arn:aws:lambda:eu-central-1:0:function:x",
    },
    { role: "target here", action: "dynamodb:CreateTable", resource: "arn:aws:dynamodb:eu-central-1:0:table/*" },
    { role: "target here", action: "secretsmanager:GetSecretValue", resource: "arn:aws:secretsmanager:*:*:secret:x" },
  ])("$role may also $action on $resource: that is too much", ({ role, action, resource }) => {
    const { missing, needless } = judge({ ...evidence, roles: plus(evidence.roles, role, action, resource) });
    expect({ missing, needless }).toEqual({ missing: [], needless: [`${role}: ${action} on ${resource}`] });
  });

  test.each([
    { role: "api", action: "rds-data:ExecuteStatement", resource: "*" },
    { role: "measure", action: "rds-data:*", resource: "arn:aws:rds:eu-central-1:000000000000:cluster:cairn" },
  ])("$role may $action on $resource: that is used, and too wide", ({ role, action, resource }) => {
    const { wide } = judge({ ...evidence, roles: plus(evidence.roles, role, action, resource) });
    expect(wide).toEqual([`${role}: ${action} on ${resource}`]);
  });

  test("a boundary that forbids what is used, or a role that trusts one too few or too many, is found", () => {
    const of = (change: (role: Role) => Role) =>
      judge({ ...evidence, roles: evidence.roles.map((role) => (role.name === "target here" ? change(role) : role)) });
    expect(of((role) => ({ ...role, boundary: [] })).missing).toContain(
      "target here: cloudformation:CreateResource on *, by its boundary",
    );
    expect(of((role) => trusting(role, (arns) => arns.slice(1))).missing).toEqual([
      expect.stringMatching(/sts:AssumeRole on .*, which does not trust it$/),
    ]);
    expect(of((role) => trusting(role, (arns) => [...arns, "arn:aws:iam::0:role/cairn-local-api"])).needless).toEqual([
      "target here: trusts arn:aws:iam::0:role/cairn-local-api, which never takes it on",
    ]);
  });

  test("a reason that stands for nothing is found", () => {
    const reason = { role: /^api$/, action: /^sns:Publish$/, why: "mails" };
    const { needless } = judge({ ...evidence, reasons: [...evidence.reasons, reason] });
    expect(needless).toEqual(["a reason that stands for nothing: mails"]);
  });
});

function changed(roles: readonly Role[], name: string, change: (statement: Statement) => Statement): Role[] {
  return roles.map((role) => (role.name === name ? { ...role, statements: role.statements.map(change) } : role));
}

function without(roles: readonly Role[], name: string, action: string): Role[] {
  return changed(roles, name, (statement) => ({
    ...statement,
    actions: statement.actions.filter((other) => other !== action),
  }));
}

function plus(roles: readonly Role[], name: string, action: string, resource: string): Role[] {
  const added: Statement = { effect: "Allow", actions: [action], others: false, resources: [resource], conditions: {} };
  return roles.map((role) => (role.name === name ? { ...role, statements: [...role.statements, added] } : role));
}

function trusting(role: Role, change: (arns: string[]) => string[]): Role {
  const trust = role.trust.map((statement) => {
    const arns = [statement.conditions.ArnEquals?.["aws:PrincipalArn"] ?? []].flat();
    return { ...statement, conditions: { ...statement.conditions, ArnEquals: { "aws:PrincipalArn": change(arns) } } };
  });
  return { ...role, trust };
}
