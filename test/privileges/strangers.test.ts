import { beforeAll, describe, expect, test } from "vitest";
import { fullStage } from "../infra/full-stage.ts";
import { synthesize } from "../infra/synthesize.ts";
import { allows } from "./policy.ts";
import { type Role, reader, rolesOf, type TemplateJson } from "./roles.ts";

const place = { account: "222233334444", region: "eu-west-1" };
const at = `${place.region}:${place.account}`;
const secret = (name: string) => `arn:aws:secretsmanager:${at}:secret:${name}-AbCdEf`;
const database = (name: string) => `arn:aws:rds:${at}:db:${name}`;
const gives = { "aws:RequestTag/cairn:resource-id": "x", "aws:TagKeys": "cairn:resource-id" };
/** Cairn's mark, or one that somebody with the role has put there. */
const bears = { "aws:ResourceTag/cairn:resource-id": "x" };
let roles: Role[];

beforeAll(() => {
  const [target] = synthesize(fullStage).targets;
  const template = target?.toJSON() as TemplateJson;
  roles = rolesOf(template, reader(place, [template]));
});

function may(name: string, action: string, resource: string, context: { [key: string]: string }): boolean {
  const role = roles.find((one) => one.name === `target ${name}`);
  if (!role?.boundary) throw new Error(`no bounded role ${name}`);
  const asked = { action, resource, context: { "aws:RequestedRegion": place.region, ...context } };
  return allows(role.statements, asked) && allows(role.boundary, asked);
}

describe("what is not Cairn's in a target's account, even with Cairn's mark on it", () => {
  test.each([
    { role: "shared", action: "secretsmanager:GetSecretValue", on: secret("legacy-db-1") },
    { role: "shared", action: "secretsmanager:DeleteSecret", on: secret("legacy-db-1") },
    { role: "shared", action: "secretsmanager:GetSecretValue", on: secret("payments-password") },
    { role: "shared", action: "secretsmanager:TagResource", on: secret("payments-password") },
    { role: "shared", action: "rds:DeleteDBInstance", on: database("legacy-postgres") },
    { role: "shared", action: "rds:AddTagsToResource", on: database("legacy-postgres") },
    { role: "shared-tenants", action: "secretsmanager:GetSecretValue", on: secret("legacy_password") },
    { role: "shared-tenants", action: "secretsmanager:TagResource", on: secret("legacy_password") },
  ])("$role may not $action on $on", ({ role, action, on }) => {
    expect(may(role, action, on, { ...bears, ...gives })).toBe(false);
  });

  const changing = [
    ...["TagResource", "UntagResource", "CreateSecret", "PutSecretValue", "UpdateSecret", "DeleteSecret"],
    "RestoreSecret",
  ];
  test.each(["shared-look", "shared-tenants-look"])("%s changes, marks and removes no secret of any name", (role) => {
    for (const name of ["orders-files-0123abcd", "orders_db_0123abcd", "a-b-password", "a_b_password"])
      for (const call of changing)
        expect([call, name, may(role, `secretsmanager:${call}`, secret(name), { ...bears, ...gives })]).toEqual([
          call,
          name,
          false,
        ]);
  });

  test("who looks at tenants reads no tenant's secret, and who looks at AWS's objects none without the mark", () => {
    const read = "secretsmanager:GetSecretValue";
    expect(may("shared-tenants-look", read, secret("orders_db_0123abcd"), bears)).toBe(false);
    expect(may("shared-look", read, secret("orders-key-0123abcd"), {})).toBe(false);
    expect(may("shared-look", read, secret("orders-key-0123abcd"), bears)).toBe(true);
  });
});

test("a name of three parts with eight characters at its end is not told from Cairn's: docs/privileges.md says so", () => {
  const name = secret("legacy-payments-password");
  expect(may("shared", "secretsmanager:GetSecretValue", name, {})).toBe(false);
  expect(may("shared", "secretsmanager:TagResource", name, gives)).toBe(true);
  expect(may("shared", "secretsmanager:GetSecretValue", name, bears)).toBe(true);
});
