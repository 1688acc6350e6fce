import { basename } from "node:path";
import { parseArgs } from "node:util";

/** One flag of a script: what parseArgs takes it for, and what becomes of its text. */
export type Flag<T> = { type: "string" | "boolean"; read: (given: string | boolean | undefined, name: string) => T };

type Flags = { readonly [name: string]: Flag<unknown> };
type Values<F extends Flags> = { [name in keyof F]: F[name] extends Flag<infer T> ? T : never };

/**
 * What a script was called with. Told something else, it says in one line what is wrong and ends with 2, before it has done anything;
 * `--help` prints its usage.
 *
 * @param words how many words it takes beside its flags, at most
 */
export function readArgs<F extends Flags>(
  usage: string,
  flags: F,
  words = 0,
): { values: Values<F>; words: readonly string[] } {
  const { help, ...given } = parse(flags, words);
  if (help === true) {
    console.log(usage);
    process.exit(0);
  }
  const values = Object.entries(flags).map(([name, flag]) => [name, flag.read(given.values[name], name)]);
  return { values: Object.fromEntries(values) as Values<F>, words: given.positionals };
}

/** Ends the script: it was told what it cannot do. */
export function refuse(what: string): never {
  console.error(`${basename(process.argv[1] ?? "", ".ts")}: ${what} (--help says what there is)`);
  process.exit(2);
}

export const flag: Flag<boolean> = { type: "boolean", read: (given) => given === true };

export const text: Flag<string | undefined> = {
  type: "string",
  read: (given) => (typeof given === "string" ? given : undefined),
};

export function whole<T extends number | undefined>(
  otherwise: T,
  { least = 0, most = 999_999_999 }: { least?: number; most?: number } = {},
): Flag<number | T> {
  return {
    type: "string",
    read: (given, name) => {
      if (given === undefined) return otherwise;
      const value = /^\d{1,9}$/.test(String(given)) ? Number(given) : Number.NaN;
      if (value >= least && value <= most) return value;
      return refuse(`--${name} takes a whole number from ${least} to ${most}, not "${given}"`);
    },
  };
}

function parse(flags: Flags, words: number) {
  const options = Object.fromEntries(Object.entries(flags).map(([name, { type }]) => [name, { type }]));
  try {
    const { values, positionals } = parseArgs({
      options: { ...options, help: { type: "boolean" } },
      allowPositionals: true,
    });
    if (positionals.length > words) refuse(`"${positionals[words]}" is not expected`);
    return { help: values.help, values: values as { [name: string]: string | boolean | undefined }, positionals };
  } catch (error) {
    // The first sentence names the flag; the next ones are for who wrote the script.
    return refuse((error as Error).message.split(/\.\s/, 1)[0] ?? "");
  }
}
