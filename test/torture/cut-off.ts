import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** What was under way when everything was killed, as the simulated services' own files say. */
export function cutOff(home: string): { executions: number; requests: number } {
  return {
    executions: count(join(home, "step-functions.sqlite"), "executions where status = 'RUNNING'"),
    requests: count(join(home, "cloud", "cloud.sqlite"), "requests where status = 'IN_PROGRESS'"),
  };
}

function count(file: string, what: string): number {
  if (!existsSync(file)) return 0;
  // Read-only, so that it is the next start that recovers what was left.
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    return Number(database.prepare(`select count(*) as n from ${what}`).get()?.n);
  } finally {
    database.close();
  }
}
