import type { Stroke } from "./blows.ts";
import type { Fates } from "./insistent-caller.ts";

/** What a run has seen. */
export type Figures = {
  strokes: Map<Stroke, { times: number; executions: number; requests: number }>;
  /** Seconds that each start took, and Postgres until its API answered again. */
  starts: number[];
  recoveries: number[];
  /** What a first start was doing when it was killed. */
  firstStarts: Map<string, number>;
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

export function strokeTable({ strokes }: Figures): string {
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

export function spread(seconds: readonly number[]): string {
  const sorted = seconds.toSorted((one, other) => one - other);
  const at = (part: number) => (sorted[Math.floor(part * (sorted.length - 1))] ?? 0).toFixed(1);
  return `median ${at(0.5)} s, longest ${at(1)} s`;
}
