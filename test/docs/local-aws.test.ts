import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { JsonObject } from "../../core/json.ts";
import { eventMessage } from "../../database/event-message.ts";
import { readSettings } from "../../local/settings.ts";

const page = readFileSync(new URL("../../docs/local-aws.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| `([A-Z_]+)` \| (?:`(.+?)`|[^`|]+) \|/gm)].map(([, name = "", otherwise]) => ({
  name,
  otherwise,
}));

test("docs/local-aws.md names what npm start reads from the environment, and nothing else", () => {
  const read = new Set<string>();
  const environment = new Proxy<NodeJS.ProcessEnv>({}, { get: (_, name) => void read.add(String(name)) });
  readSettings(environment);
  expect(rows.map(({ name }) => name).sort()).toEqual([...read].sort());
});

test.each(rows.filter(({ otherwise }) => otherwise !== undefined))("$name is $otherwise when it is not set", (row) => {
  expect(readSettings({ [row.name]: row.otherwise })).toEqual(readSettings({}));
});

test("the timeline that it shows is in today's words", () => {
  const said = (event: string, detail: JsonObject = {}) =>
    eventMessage({ id: "", at: "", event, actor: "developer@payments", detail });
  expect([...page.matchAll(/^\d\d:\d\d:\d\d (.+)$/gm)].map(([, message]) => message)).toEqual([
    said("resource.create"),
    said("operation.claimed", { attempt: 1 }),
    said("operation.sent", { kind: "apply", attempt: 1 }),
    said("operation.taken-over", { was: "RUNNING" }),
    said("operation.claimed", { attempt: 1, again: true }),
    said("operation.ready"),
  ]);
});
