import type { Right } from "./judge.ts";

/**
 * Granted against used, as Markdown: what the run called, by role; what AWS's handlers need of a target's role, by kind; and what has
 * a written reason instead.
 * @param label a resource in words
 */
export function privilegesTable(rights: readonly Right[], label: (resource: string) => string): string {
  const called = rights.filter((right) => right.called);
  const handled = rights.filter((right) => !right.called && right.handlers.length > 0);
  const reasoned = rights.filter((right) => !right.called && right.handlers.length === 0);
  return [
    `${rights.length} rights, each an action on a resource: ${called.length} called by the run, ${handled.length} needed by AWS's handlers that the run had at work, ${reasoned.length} with a written reason.`,
    "### Called",
    table(
      ["role", "right", "on", "if"],
      merged(called, ({ role, resource }) => [role, resource]).map((of) => [
        of[0].role,
        actions(of),
        label(of[0].resource),
        condition(of[0]),
      ]),
      ["role", "right", "if"],
    ),
    "### Needed by AWS's handlers",
    table(
      ["role", "kind", "handlers", "right", "on", "if"],
      merged(handled, ({ role, resource, handlers }) => [role, resource, ...handlers]).map((of) => [
        of[0].role,
        kinds(of[0]),
        verbs(of[0]),
        actions(of),
        label(of[0].resource),
        condition(of[0]),
      ]),
      ["role", "kind", "handlers", "right", "if"],
    ),
    "### With a written reason",
    table(
      ["role", "right", "on", "why"],
      merged(reasoned, ({ reason }) => [String(reason)]).map((of) => [
        unique(of.map(({ role }) => role)).join(", "),
        actions(of),
        unique(of.map(({ resource }) => label(resource))).join(", "),
        String(of[0].reason),
      ]),
      [],
    ),
  ].join("\n\n");
}

type Some = [Right, ...Right[]];

/** Rights that differ in nothing but what `by` leaves out, and their actions. */
function merged(rights: readonly Right[], by: (right: Right) => string[]): Some[] {
  const groups = Map.groupBy(rights, (right) => JSON.stringify([by(right), right.conditions]));
  return [...groups.values()] as Some[];
}

/** @param same columns by which lines are one: what they are on is then listed */
function table(head: string[], rows: string[][], same: string[]): string {
  const on = head.indexOf("on");
  const groups =
    same.length === 0
      ? rows.map((row) => [row])
      : [...Map.groupBy(rows, (row) => same.map((name) => row[head.indexOf(name)]).join("|")).values()];
  const lines = groups.map((group) => {
    const [first = []] = group;
    return first.map((cell, column) => (column === on ? unique(group.map((row) => row[on] ?? "")).join(", ") : cell));
  });
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...lines.map(line)].join("\n");
}

function actions(rights: readonly Right[]): string {
  const names = unique(rights.map(({ action }) => action)).sort();
  const services = Map.groupBy(names, (name) => name.split(":")[0]);
  return [...services]
    .map(([service, of]) => `${service}: ${of.map((name) => name.split(":")[1]).join(", ")}`)
    .join("; ");
}

function kinds({ handlers }: Right): string {
  return unique(handlers.map((handler) => (handler.split(" ")[0] ?? "").replace("AWS::", ""))).join(", ");
}

function verbs({ handlers }: Right): string {
  return unique(handlers.map((handler) => handler.split(" ")[1] ?? ""))
    .sort()
    .join(", ");
}

function condition({ conditions }: Right): string {
  const parts = Object.entries(conditions).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, values]) => {
      const wanted = [values].flat().join(", ");
      return wanted === "?*"
        ? `it bears \`${key}\``
        : `\`${key}\` is ${operator === "Bool" ? wanted : `\`${wanted}\``}`;
    }),
  );
  return parts.join("; ");
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
