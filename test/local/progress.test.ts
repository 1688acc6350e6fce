import { expect, test } from "vitest";
import { createProgress } from "../../local/progress.ts";

const files = (status: string) => [{ name: "files", type: "bucket", status }];

function shown(tty: { isTTY?: boolean; columns?: number }, ...statuses: string[]): string {
  let text = "";
  let now = 0;
  const write = (chunk: string) => {
    text += chunk;
    return true;
  };
  const out = { ...tty, write };
  const progress = createProgress(out as Parameters<typeof createProgress>[0], () => now);
  for (const status of statuses) {
    progress.show(files(status));
    now += 500;
  }
  progress.end();
  return text;
}

test("elsewhere than on a terminal each change is one plain line", () => {
  expect(shown({}, "PENDING", "PENDING", "READY")).toBe(
    "  … files        bucket     PENDING  after 0.0 s\n  ✔ files        bucket     READY    after 1.0 s\n\n1 resources in 1.5 s.\n",
  );
});

test("on a terminal the lines are drawn again in their place", () => {
  const text = shown({ isTTY: true, columns: 80 }, "PENDING", "READY");
  expect(text.split("\x1b[1A")).toHaveLength(2);
  expect(text).toContain("✔ files        bucket     READY");
});

test("no line is as long as a narrow terminal is wide, since a wrapped one is two to go up again", () => {
  const drawn = shown({ isTTY: true, columns: 20 }, "PENDING", "READY").split("\n").slice(0, 2);
  for (const line of drawn) expect(line.replace("\x1b[1A", "").replace("\x1b[2K", "").length).toBeLessThan(20);
});
