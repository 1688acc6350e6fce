import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readStage } from "../../infra/stages/read-stage.ts";

const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");

test("docs/deploy.md has a row for each value of a stage, in its order, and for no other", () => {
  const section = page.split("\n## All that a stage says\n")[1]?.split("\n## ")[0] ?? "";
  const rows = [...section.matchAll(/^\| `([\w.]+)` \|/gm)].map(([, key]) => key);
  const stage = readStage("production");
  const grouped = { requests: stage.requests, store: stage.store, schedules: stage.schedules };
  const keys = Object.keys(stage).flatMap((key) =>
    key in grouped ? Object.keys(grouped[key as keyof typeof grouped]).map((part) => `${key}.${part}`) : [key],
  );
  expect(rows).toEqual(keys);
});
