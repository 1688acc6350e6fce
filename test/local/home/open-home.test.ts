import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { explainFileError, HomeError } from "../../../local/home/home-error.ts";
import { dataVersion, openHome } from "../../../local/home/open-home.ts";

const scratch = await mkdtemp(join(tmpdir(), "cairn home-"));
afterAll(() => rm(scratch, { recursive: true, force: true }));

let homes = 0;
const newPath = () => {
  homes += 1;
  return join(scratch, `home ${homes}`, "below");
};

/** The one line that a person would read. */
async function lineOf(opening: Promise<unknown>): Promise<string> {
  try {
    await opening;
  } catch (error) {
    expect(error).toBeInstanceOf(HomeError);
    const { message } = error as Error;
    expect(message).not.toContain("\n");
    return message;
  }
  throw new Error("the home opened");
}

/** Another process that opens the home and keeps it. */
async function holder(path: string) {
  const module = new URL("../../../local/home/open-home.ts", import.meta.url).href;
  const code = `const { openHome } = await import(${JSON.stringify(module)});
    try { await openHome(process.argv[1]); console.log("open"); setInterval(() => {}, 1000); }
    catch (error) { console.log(error.message); process.exit(1); }`;
  const child = spawn(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "-e",
    code,
    path,
  ]);
  const [output] = (await once(child.stdout, "data")) as [Buffer];
  return {
    output: output.toString().trim(),
    pid: child.pid ?? 0,
    async kill() {
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

test("a new home is closed to others, holds its data version, and opens again", async () => {
  const path = newPath();
  const home = await openHome(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  expect(await readFile(join(path, "version"), "utf8")).toBe(`${dataVersion}\n`);
  await home.close();
  expect(await readdir(path)).toEqual(["version"]);
  await (await openHome(path)).close();
});

describe("the lock", () => {
  test("a second start is told the pid of the first", async () => {
    const path = newPath();
    const first = await holder(path);
    expect(first.output).toBe("open");
    expect(await lineOf(openHome(path))).toBe(
      `Cairn is already running on ${path} (pid ${first.pid}): stop it, or start with another CAIRN_HOME`,
    );
    await first.kill();
  });

  test("a start after kill -9 takes over", async () => {
    const path = newPath();
    await (await holder(path)).kill();
    expect(await readdir(path)).toContain("lock");
    await (await openHome(path)).close();
  });

  test("a pid that now belongs to another process does not hold it", async () => {
    const path = newPath();
    const first = await holder(path);
    const [, start, nonce] = (await readFile(join(path, "lock"), "utf8")).split("\n");
    await first.kill();
    await writeFile(join(path, "lock"), `${process.ppid}\n${start}\n${nonce}\n`);
    await (await openHome(path)).close();
  });

  test("an unreadable lock does not hold it", async () => {
    const path = newPath();
    await (await openHome(path)).close();
    await writeFile(join(path, "lock"), "");
    await (await openHome(path)).close();
  });

  test("of several starts at once on a stale lock one wins, and the others are told its pid", async () => {
    const path = newPath();
    await (await holder(path)).kill();
    const starts = await Promise.all([1, 2, 3, 4].map(() => holder(path)));
    const winners = starts.filter(({ output }) => output === "open");
    expect(winners).toHaveLength(1);
    for (const loser of starts.filter(({ output }) => output !== "open")) {
      expect(loser.output).toContain(`(pid ${winners[0]?.pid})`);
    }
    await Promise.all(starts.map((start) => start.kill()));
  });
});

describe("refused with one line", () => {
  const versions = [
    { text: String(dataVersion - 1), line: /version 0, and this Cairn reads version 1: move the folder away/ },
    { text: String(dataVersion + 1), line: /version 2, and this Cairn reads version 1: update Cairn/ },
    { text: "x", line: /version x, and this Cairn reads version 1: move the folder away/ },
    { text: "", line: /version unknown/ },
  ];
  test.each(versions)("data of version '$text'", async ({ text, line }) => {
    const path = newPath();
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "version"), text);
    expect(await lineOf(openHome(path))).toMatch(line);
    expect(await readFile(join(path, "version"), "utf8")).toBe(text);
  });

  test("a folder of somebody's own, which is left as it was", async () => {
    const path = newPath();
    await mkdir(path, { recursive: true, mode: 0o755 });
    await writeFile(join(path, "thesis.txt"), "mine");
    await chmod(path, 0o755);
    expect(await lineOf(openHome(path))).toContain("not empty and not a Cairn data folder");
    expect(await readdir(path)).toEqual(["thesis.txt"]);
    expect((await stat(path)).mode & 0o777).toBe(0o755);
  });

  test("a file in the place of the folder, or above it", async () => {
    const file = join(scratch, "file");
    await writeFile(file, "");
    expect(await lineOf(openHome(file))).toContain("is not a folder");
    expect(await lineOf(openHome(join(file, "below")))).toContain("lies below a file");
  });

  test("no room on the disk, for a new home and for one in use", async () => {
    const path = newPath();
    const full = (megabytes: number) => ({ freeBytes: async () => megabytes * 1_048_576 });
    expect(await lineOf(openHome(path, full(200)))).toContain("only 200 MB are free");
    await (await openHome(path)).close();
    await (await openHome(path, full(200))).close();
    expect(await lineOf(openHome(path, full(0)))).toContain("free at least 32 MB");
  });

  test("a folder that this user may not write", async () => {
    const parent = join(scratch, "closed");
    await mkdir(parent);
    await chmod(parent, 0o555);
    await chmod(scratch, 0o755);
    const root = process.geteuid?.() === 0;
    if (root) process.seteuid?.(65534);
    try {
      expect(await lineOf(openHome(join(parent, "home")))).toContain("cannot be written by this user");
    } finally {
      if (root) process.seteuid?.(0);
      await chmod(parent, 0o755);
    }
  });

  test("a folder that cannot be made", async () => {
    expect(await lineOf(openHome(join(scratch, "x".repeat(300))))).toMatch(
      /x cannot be made: start with another CAIRN_HOME$/,
    );
    if (existsSync("/proc/self"))
      expect(await lineOf(openHome("/proc/cairn/home"))).toMatch(/^\/proc\/cairn cannot be made/);
  });

  test.runIf(process.getuid?.() === 0)(
    "to root, a home that somebody else made: its database runs as its owner",
    async () => {
      const path = newPath();
      await (await openHome(path)).close();
      await chown(join(path, "version"), 1234, 1234);
      expect(await lineOf(openHome(path))).toMatch(/belongs to the user with id 1234: start as that user/);
    },
  );

  test.each([
    { errcode: 13, line: /is full: free some space/ },
    { errcode: 8 | (1 << 8), line: /cannot be written by this user/ },
    { errcode: 26, line: /a file in .* is damaged: move the folder away/ },
  ])("what SQLite says: $errcode", ({ errcode, line }) => {
    const error = Object.assign(new Error("database"), { code: "ERR_SQLITE_ERROR", errcode });
    expect((explainFileError(error, "/home/of/cairn") as HomeError).message).toMatch(line);
    expect(explainFileError(Object.assign(error, { errcode: 19 }), "/home/of/cairn")).toBe(error);
  });

  test.each(["ENOSPC", "EDQUOT", "EROFS"])("what the file system says: %s", (code) => {
    const explained = explainFileError(Object.assign(new Error(code), { code }), "/home/of/cairn");
    expect(explained).toBeInstanceOf(HomeError);
    expect((explained as Error).message).toMatch(/\/home\/of\/cairn is (?:full|on a read-only disk)[^\n]*CAIRN_HOME/);
  });
});

describe("writeAtomically", () => {
  test("replaces a file whole, with its mode, and leaves nothing beside it", async () => {
    const path = newPath();
    const home = await openHome(path);
    await home.writeAtomically("endpoints.json", "one", 0o600);
    await home.writeAtomically("endpoints.json", "two", 0o644);
    expect(await readFile(join(path, "endpoints.json"), "utf8")).toBe("two");
    expect((await stat(join(path, "endpoints.json"))).mode & 0o777).toBe(0o644);
    await home.close();
    expect((await readdir(path)).sort()).toEqual(["endpoints.json", "version"]);
  });

  test("a write that fails leaves the old file and no draft", async () => {
    const path = newPath();
    const home = await openHome(path);
    await mkdir(join(path, "taken"));
    await expect(home.writeAtomically("taken", "x")).rejects.toThrow();
    await home.close();
    expect((await readdir(path)).sort()).toEqual(["taken", "version"]);
  });
});
