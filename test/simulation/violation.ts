/** A broken invariant of `docs/reliability.md`; I1 to I8, or what no run may show at all. */
export type Violation = { law: string; what: string };
