import { isAbsolute, resolve } from "node:path";
import { schedules } from "../functions/manifest.ts";
import { HomeError } from "./home/home-error.ts";

export type Settings = {
  home: string;
  port: number;
  example: boolean;
  /** Each rule's period in seconds. */
  periods: { [rule: string]: number };
  /** A folder of golden paths instead of Cairn's own, absolute; undefined for Cairn's own. */
  goldenPaths: string | undefined;
};

/** @throws {HomeError} naming the variable that cannot be used */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const { CAIRN_GOLDEN_PATHS: paths } = environment;
  return {
    home: resolve(environment.CAIRN_HOME || ".cairn"),
    port: wholeNumber("PORT", environment.PORT, 8787, 0, 65_535),
    example: onOrOff("CAIRN_EXAMPLE", environment.CAIRN_EXAMPLE),
    periods: Object.fromEntries(
      Object.entries(schedules).map(([rule, { local }]) => [
        rule,
        wholeNumber(local.variable, environment[local.variable], local.seconds, 1, 31_536_000),
      ]),
    ),
    goldenPaths: paths === undefined || isAbsolute(paths) ? paths : resolve(paths),
  };
}

function onOrOff(name: string, text: string | undefined): boolean {
  if (text === undefined || text === "" || text === "on") return true;
  if (text === "off") return false;
  throw new HomeError(`${name} must be on or off, not "${text}"`);
}

function wholeNumber(name: string, text: string | undefined, otherwise: number, least: number, most: number): number {
  if (text === undefined || text === "") return otherwise;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new HomeError(`${name} must be a whole number from ${least} to ${most}, not "${text}"`);
  }
  return value;
}
