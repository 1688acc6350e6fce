export type ThrottleOptions = { ratePerSecond: number; burst: number };

/** A token bucket, as the service throttles a stage: `burst` at once, `ratePerSecond` for ever. */
export function createThrottle({ ratePerSecond, burst }: ThrottleOptions, now: () => number): () => boolean {
  let tokens = burst;
  let filledAt = now();
  return () => {
    const at = now();
    tokens = Math.min(burst, tokens + ((at - filledAt) / 1000) * ratePerSecond);
    filledAt = at;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}
