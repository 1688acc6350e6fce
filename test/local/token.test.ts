import { execFile } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAuthorizer } from "../../local/api-gateway/authorizer.ts";
import { audience, openIssuer } from "../../local/api-gateway/issuer.ts";
import { openHome } from "../../local/home/open-home.ts";
import { remove, temporaryHome } from "./api-gateway/gateway.ts";

const script = fileURLToPath(new URL("../../local/token.ts", import.meta.url));
let home: string;
beforeAll(async () => {
  home = temporaryHome();
  await (await openHome(home)).close();
});
afterAll(() => remove(home));

function token(args: string[], options: { home?: string | null; cwd?: string } = {}) {
  const { CAIRN_HOME: _, ...rest } = process.env;
  const env = options.home === null ? rest : { ...rest, CAIRN_HOME: options.home ?? home };
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
    const command = ["--disable-warning=ExperimentalWarning", script, ...args];
    execFile(process.execPath, command, { env, cwd: options.cwd }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

describe("npm run token", () => {
  it("prints a token that the local API's authorizer accepts, and nothing else", async () => {
    const { code, stdout, stderr } = await token(["--team", "payments", "--role", "developer"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const { issuer, jwks } = await openIssuer(home);
    const verdict = await createAuthorizer({ issuer, audience, jwks })(`Bearer ${stdout.trim()}`);
    expect(verdict).toMatchObject({
      ok: true,
      claims: { team: "payments", role: "developer", sub: "developer@payments" },
    });
    const { iat = 0, exp } = decodeJwt(stdout.trim());
    expect(exp).toBe(iat + 12 * 3600);
  });

  it("takes a subject and a time to live, and finds the home beside it by default", async () => {
    const cwd = join(home, "elsewhere");
    const beside = join(cwd, ".cairn");
    await (await openHome(beside)).close();
    const args = ["--team", "a", "--role", "viewer", "--subject", "ada@example.com", "--ttl", "30m"];
    const { stdout } = await token(args, { home: null, cwd });
    const claims = decodeJwt(stdout.trim());
    expect(claims).toMatchObject({ sub: "ada@example.com", team: "a", role: "viewer" });
    expect(claims.exp).toBe((claims.iat ?? 0) + 1800);
  });

  it.each([
    [["--team", "payments", "--role", "admin"], "--role must be one of viewer, developer, platform"],
    [["--team", "payments"], "--role must be one of"],
    [["--role", "viewer"], "--team must be"],
    [["--team", "Payments!", "--role", "viewer"], "--team must be"],
    [["--team", "a", "--role", "viewer", "--ttl", "soon"], "--ttl must be like"],
    [["--team", "a", "--role", "viewer", "--ttl", "0"], "--ttl must be like"],
    [["--team", "a", "--role", "viewer", "--color"], "--color"],
    [["--team", "a", "--role", "viewer", "extra"], "extra"],
  ])("with %j fails with one line: %s", async (args, message) => {
    const { code, stdout, stderr } = await token(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each(["none", "empty"])("without a home says how to get one, and makes none: %s", async (name) => {
    const folder = join(home, name);
    if (name === "empty") mkdirSync(folder);
    const { code, stderr } = await token(["--team", "a", "--role", "viewer"], { home: folder });
    expect(code).toBe(1);
    expect(stderr).toBe(`token: ${folder} is no Cairn data folder: run npm start first, or set CAIRN_HOME\n`);
    expect(existsSync(join(folder, "issuer-key.json"))).toBe(false);
  });
});
