import type { Stroke } from "./blows.ts";
import type { FirstStage } from "./first-start.ts";
import type { Fates } from "./insistent-caller.ts";

/** What a run has seen. */
export type Figures = {
  strokes: Map<Stroke, { times: number; executions: number; requests: number }>;
  /** Seconds that each start took, and Postgres until its API answered again. */
  starts: number[];
  recoveries: number[];
  /** What a first start was doing when it was killed. */
  firstStarts: Map<FirstStage, number>;
  weather: Map<string, number>;
  fates: Fates;
};

export function newFigures(): Figures {
  return { strokes: new Map(), starts: [], recoveries: [], firstStarts: new Map(), weather: new Map(), fates: {} };
}

export function counted(figures: Figures, stroke: Stroke, cut = { executions: 0, requests: 0 }): void {
  const { times, executions, requests } = figures.strokes.get(stroke) ?? { times: 0, executions: 0, requests: 0 };
  figures.strokes.set(stroke, {
    times: times + 1,
    executions: executions + cut.executions,
    requests: requests + cut.requests,
  });
}

export function seen<Name>(counts: Map<Name, number>, name: Name): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

export function summary(figures: Figures): string {
  const list = (counts: Iterable<[string, number]>) =>
    [...counts].map(([what, times]) => `${what} ${times}`).join(", ");
  return [
    "",
    strokeTable(figures),
    "",
    `starts: ${spread(figures.starts)}; Postgres back: ${spread(figures.recoveries)}`,
    `first starts were killed: ${list(figures.firstStarts)}`,
    `weather: ${list(figures.weather)}`,
    `requests, by answer: ${list(Object.entries(figures.fates))}`,
  ].join("\n");
}

function strokeTable({ strokes }: Figures): string {
  const rows = [...strokes].map(
    ([stroke, { times, executions, requests }]) =>
      `| ${stroke} | ${times} | ${executions || "–"} | ${requests || "–"} |`,
  );
  return [
    "| killed | times | executions cut off | cloud requests in flight |",
    "|---|---|---|---|",
    ...rows.sort(),
  ].join("\n");
}

function spread(seconds: readonly number[]): string {
  const sorted = seconds.toSorted((one, other) => one - other);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  return `median ${at(0.5)} s, longest ${at(1)} s`;
}
