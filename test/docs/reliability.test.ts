import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

// docs/reliability.md says by which tests each law is shown. Here that table is held to the tests, so that it cannot rot.

const page = new URL("../../docs/reliability.md", import.meta.url);
const rows = readFileSync(page, "utf8")
  .split("\n")
  .filter((line) => /^\| [IF]\d+ \| .*\]\(\.\.\/test\//.test(line))
  .map((line) => ({
    law: line.split(" ")[1] ?? "",
    links: [...line.matchAll(/\[(.+?)\]\((\.\.\/test\/[^)]+)\)/g)].map(([, title = "", file = ""]) => ({
      title,
      file,
    })),
  }));

test("every law and every fault has its row", () => {
  const laws = [...numbered("I", 8), ...numbered("F", 16)];
  expect(rows.map(({ law }) => law)).toEqual(laws);
});

describe.each(rows)("$law", ({ links }) => {
  test("names tests", () => expect(links.length).toBeGreaterThan(0));

  test.each(links)("$title", ({ title, file }) => {
    const path = new URL(file, page);
    expect(existsSync(path), `${file} exists`).toBe(true);
    expect(titlesIn(readFileSync(path, "utf8"))).toContain(title);
  });
});

/** The strings that name a test, a group of tests, or a row of a table of tests: the first of a call, of an array or `reason`. */
function titlesIn(source: string): string[] {
  const named = /(?:\b(?:test|it|describe)(?:\.each)?\(|\)\(|[[{,]\s*reason:|[[(])\s*("(?:[^"\\\n]|\\.)*")/g;
  return [...source.matchAll(named)].map(([, text = '""']) => JSON.parse(text) as string);
}

function numbered(letter: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index + 1}`);
}
