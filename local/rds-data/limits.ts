/** The service's limits. */
export const requestBytes = 4 * 1024 * 1024;
export const responseBytes = 1024 * 1024;
export const rowBytes = 64 * 1024;

/** The service's times, in milliseconds. Tests shorten them: nobody waits three minutes for a test. */
export type Times = { statement: number; transactionIdle: number; transactionLife: number };

export const serviceTimes: Times = {
  statement: 45_000,
  transactionIdle: 3 * 60_000,
  transactionLife: 24 * 3_600_000,
};
