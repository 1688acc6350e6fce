/**
 * How long things take, all of it derived from the lease: a worker that holds a lease has to show itself again before the
 * lease ends, whatever it does in between.
 */
export type Pace = {
  leaseSeconds: number;
  /** A provider call that takes longer has an unknown outcome (law F7). */
  providerSeconds: number;
  /**
   * How long a change that nobody answered may still arrive after it was given up: what a look does not find until then may
   * be about to be there, and a provider without tokens would make it after its deletion.
   */
  unansweredSeconds: number;
  /** The longest pause of a state machine between two looks. */
  maxWaitSeconds: number;
  /** The longest pause of an operation that waits as a row. */
  maxPauseSeconds: number;
  /** Attempts that are proven to have failed, or steps that ended in an unexpected error, before a person is asked (F13). */
  maxAttempts: number;
};

/**
 * How long a provider's reads may fall behind what one of them has shown: what was seen that lately is not gone because another
 * read does not find it (law F15). AWS speaks of seconds.
 */
export const staleSeconds = 15;

/**
 * How long an operation waits at most while its provider denies knowing what was READY and much else (law F15). For as long a
 * person hears of a halted target, and may hold a breaker open; after that its word counts, or a deletion would never end.
 */
export const deniedSeconds = 3600;

/** The shortest lease with room for a pause, which a state machine makes in whole seconds, beside a call. */
const shortestLease = 3;

/** Half a lease for a provider call and a third for a pause leave a sixth for everything else. */
export function paceOf(leaseSeconds: number): Pace {
  if (!(leaseSeconds >= shortestLease))
    throw new Error(`A lease of ${leaseSeconds} s is too short: ${shortestLease} s at least.`);
  return {
    leaseSeconds,
    providerSeconds: leaseSeconds / 2,
    unansweredSeconds: leaseSeconds / 4,
    maxWaitSeconds: Math.max(1, Math.floor(leaseSeconds / 3)),
    maxPauseSeconds: leaseSeconds,
    maxAttempts: 5,
  };
}

/** Full jitter: anywhere between a second and the widening cap. `random` is in [0, 1). */
export function pauseSeconds(pace: Pace, tries: number, random: () => number): number {
  const cap = Math.min(pace.maxPauseSeconds, 2 ** Math.min(tries + 2, 16));
  return 1 + random() * (cap - 1);
}
