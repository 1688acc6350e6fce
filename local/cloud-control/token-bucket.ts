/** Lets `rate` calls a second through, and `burst` at once after a rest. In memory: a restart is a rest. */
export function tokenBucket(now: () => number): (rate: number | null, burst: number) => boolean {
  let tokens = Number.POSITIVE_INFINITY;
  let filledAt = now();
  return (rate, burst) => {
    const at = now();
    if (rate === null) return true;
    tokens = Math.min(burst, tokens + (Math.max(0, at - filledAt) / 1000) * rate);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
