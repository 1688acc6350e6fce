/** One fault in a request: which field (an RFC 6901 pointer into the body, or a parameter's name) and what is wrong. */
export type FieldError = { pointer: string; message: string };

/** More faults than anyone reads at once: a request made for it has tens of thousands. */
export const maxFaults = 100;
