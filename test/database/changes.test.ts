import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTestStore, type TestStore } from "../support/store.ts";
import { arrivals, type Row, states, tryChange } from "./changes.ts";

const document = readFileSync(new URL("../../docs/changes.md", import.meta.url), "utf8");
const table: Row[] = document
  .slice(document.indexOf("| running | arrives |"))
  .split("\n")
  .slice(2)
  .filter((line) => line.startsWith("|"))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, running = "", arrives = "", answer = "", effect = "", end = ""]) => ({
    running,
    arrives,
    answer,
    effect,
    end,
  }));

let store: TestStore;
beforeAll(async () => {
  store = await createTestStore();
});
afterAll(() => store?.close());

test("the table names every pair once", () => {
  const pairs = states.flatMap((running) => arrivals.map((arrives) => `${running} × ${arrives}`));
  expect(table.map(({ running, arrives }) => `${running} × ${arrives}`)).toEqual(pairs);
});

test.each(table)("$running × $arrives: $answer, it $effect, $end", async ({ running, arrives, ...said }) => {
  expect(await tryChange(store, running, arrives)).toEqual(said);
});
