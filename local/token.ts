// `npm run --silent token -- --team payments --role developer` prints a token that this machine's API accepts.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { openIssuer } from "./api-gateway/issuer.ts";

const usage = "npm run --silent token -- --team payments --role developer [--subject NAME] [--ttl 12h]";
const roles = ["viewer", "developer", "platform"];
const teamPattern = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;
const unitSeconds: { readonly [unit: string]: number } = { s: 1, m: 60, h: 3600, d: 86_400 };

try {
  console.log(await makeToken(process.argv.slice(2), process.env.CAIRN_HOME || ".cairn"));
} catch (error) {
  console.error(`token: ${(error as Error).message.split("\n", 1)[0]}`);
  process.exitCode = 1;
}

async function makeToken(args: string[], home: string): Promise<string> {
  const { team, role, subject, ttl } = parse(args);
  if (role === undefined || !roles.includes(role))
    throw new Error(`--role must be one of ${roles.join(", ")}: ${usage}`);
  // The platform role belongs to no team, and may name one.
  if (team === undefined ? role !== "platform" : !teamPattern.test(team)) {
    throw new Error(`--team must be lower-case letters, digits and dashes, at most 40: ${usage}`);
  }
  const seconds = ttlSeconds(ttl);
  const directory = resolve(home);
  // A key made anywhere else would sign what no API accepts.
  if (!existsSync(join(directory, "version")))
    throw new Error(`${directory} is no Cairn data folder: run npm start first, or set CAIRN_HOME`);
  const issuer = await openIssuer(directory);
  const sub = subject ?? (team === undefined ? role : `${role}@${team}`);
  return issuer.sign({ sub, role, ...(team === undefined ? {} : { team }) }, seconds);
}

function parse(args: string[]): { team?: string; role?: string; subject?: string; ttl: string } {
  const text = { type: "string" } as const;
  const options = { team: text, role: text, subject: text, ttl: { ...text, default: "12h" } };
  try {
    return parseArgs({ args, options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new Error(`${(error as Error).message.split(". ", 1)[0]}: ${usage}`);
  }
}

function ttlSeconds(ttl: string): number {
  const [, amount = "", unit = "s"] = /^([1-9]\d{0,8})([smhd]?)$/.exec(ttl) ?? [];
  const seconds = Number(amount) * (unitSeconds[unit || "s"] ?? 1);
  if (amount === "") throw new Error(`--ttl must be like 90s, 30m, 12h or 7d, not ${ttl}`);
  return seconds;
}
