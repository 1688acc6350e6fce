import { explainFileError, HomeError } from "./home/home-error.ts";

/** What a room met that is no answer of its service. */
export type ReportFailure = (room: string, error: unknown) => void;

/** A full disk fails every call: once a minute is enough for the person who can help. */
const quietMs = 60_000;

/** Everything goes to the log; what only the person at the terminal can mend is told them as well, in one line. */
export function createFailureReport(
  home: string,
  log: (line: string) => void,
  tell: (line: string) => void = console.error,
  now: () => number = Date.now,
): ReportFailure {
  let toldAt = Number.NEGATIVE_INFINITY;
  return (room, error) => {
    log(`${room}: ${error instanceof Error ? error.stack : String(error)}`);
    const known = explainFileError(error, home);
    if (!(known instanceof HomeError) || now() - toldAt < quietMs) return;
    toldAt = now();
    tell(`cairn: ${known.message}`);
  };
}
