import { describe, expect, test } from "vitest";
import { callerOf, machineOf } from "../../api/caller.ts";
import { type CallerRules, plainRules } from "../../api/caller-rules.ts";
import { harness, ids } from "./harness.ts";

const ci = "arn:aws:sts::111122223333:assumed-role/cairn-production-caller-ci";
const backstage = "arn:aws:sts::111122223333:assumed-role/cairn-production-caller-backstage";
const rules: CallerRules = {
  claims: { team: "custom:team", role: "roles" },
  platformSubjects: ["first-user"],
  machines: [
    { principal: ci, role: "developer", team: "payments" },
    { principal: backstage, role: "platform", team: null },
  ],
};

describe("a token's claims, under the names that the stage gives them", () => {
  test.each([
    {
      reason: "plain",
      claims: { sub: "ada", "custom:team": "payments", roles: "developer" },
      role: "developer",
      team: "payments",
    },
    {
      reason: "a list of one",
      claims: { sub: "ada", "custom:team": "payments", roles: "[viewer]" },
      role: "viewer",
      team: "payments",
    },
    {
      reason: "lists of one",
      claims: { sub: "ada", "custom:team": "[payments]", roles: "[viewer]" },
      role: "viewer",
      team: "payments",
    },
    {
      reason: "the platform's first user, without a role",
      claims: { sub: "first-user" },
      role: "platform",
      team: null,
    },
    {
      reason: "the same, whatever the role says",
      claims: { sub: "first-user", roles: "viewer" },
      role: "platform",
      team: null,
    },
  ])("make a caller: $reason", ({ claims, role, team }) => {
    expect(callerOf(claims, rules)).toEqual({ subject: claims.sub, role, team });
  });

  test.each([
    { reason: "the usual names mean nothing here", claims: { sub: "ada", team: "payments", role: "platform" } },
    { reason: "two roles, or one called 'not platform'", claims: { sub: "ada", roles: "[not platform]" } },
    { reason: "two roles", claims: { sub: "ada", "custom:team": "payments", roles: "[developer platform]" } },
    { reason: "an empty list", claims: { sub: "ada", "custom:team": "payments", roles: "[]" } },
    { reason: "no role", claims: { sub: "ada", "custom:team": "payments" } },
    { reason: "a role in other letters", claims: { sub: "ada", roles: "Platform" } },
    { reason: "a subject that only begins as the first user's", claims: { sub: "first-user-2" } },
    { reason: "no subject", claims: { roles: "platform" } },
    { reason: "a role without its team", claims: { sub: "ada", roles: "developer" } },
    { reason: "a name that every object inherits", claims: { sub: "ada", roles: "constructor" } },
    { reason: "two teams", claims: { sub: "ada", "custom:team": "[payments orders]", roles: "developer" } },
  ])("are refused: $reason", ({ claims }) => {
    expect(() => callerOf(claims, rules)).toThrow(expect.objectContaining({ kind: "forbidden" }));
  });

  test("a claim that is called as what every object has is read from the token alone", () => {
    const odd = { ...plainRules, claims: { team: "team", role: "constructor" } };
    expect(() => callerOf({ sub: "ada", team: "payments" }, odd)).toThrow();
  });
});

describe("a machine's principal", () => {
  test("is who the stage says, with its session in the audit log's subject", () => {
    expect(machineOf({ userArn: `${ci}/run-42` }, rules)).toEqual({
      subject: `${ci}/run-42`,
      role: "developer",
      team: "payments",
    });
    expect(machineOf({ userArn: `${backstage}/session` }, rules)).toMatchObject({ role: "platform", team: null });
  });

  test.each([
    { reason: "another role", userArn: "arn:aws:sts::111122223333:assumed-role/cairn-production-caller-other/x1" },
    { reason: "the same role's name in another account", userArn: `${ci.replace("111122223333", "999900001111")}/x1` },
    { reason: "the same name in another partition", userArn: `${ci.replace("arn:aws:", "arn:aws-cn:")}/x1` },
    { reason: "a session that ends like a principal", userArn: `arn:aws:sts::111122223333:assumed-role/other/${ci}` },
    { reason: "a principal and more", userArn: `${ci}/x1/x2` },
    { reason: "no session", userArn: ci },
    { reason: "an empty session", userArn: `${ci}/` },
    { reason: "a line break", userArn: `${ci}/x1\n` },
    { reason: "a role, not taken on", userArn: "arn:aws:iam::111122223333:role/cairn-production-caller-ci" },
    { reason: "a user", userArn: "arn:aws:iam::111122223333:user/cairn-production-caller-ci" },
    { reason: "root", userArn: "arn:aws:iam::111122223333:root" },
    { reason: "nothing", userArn: undefined },
    { reason: "a list", userArn: [`${ci}/x1`, "x"] },
  ])("is refused: $reason", ({ userArn }) => {
    expect(() => machineOf({ userArn }, rules)).toThrow(expect.objectContaining({ kind: "forbidden" }));
  });

  test("is nobody where the stage names no machine", () => {
    expect(() => machineOf({ userArn: `${ci}/run-42` }, plainRules)).toThrow();
  });
});

test("a machine's request is answered as its team's, and one of an unknown role is refused", async () => {
  const { send } = harness({ deps: { callers: rules } });
  const path = `/v1/resources/${ids.resource}`;
  expect((await send({ path, userArn: `${ci}/run-42` })).status).toBe(200);
  expect((await send({ path: "/v1/teams/orders", userArn: `${ci}/run-42` })).status).toBe(404);
  expect((await send({ path, userArn: "arn:aws:sts::111122223333:assumed-role/other/run-42" })).status).toBe(403);
});
