/** One fault in a request: which field (an RFC 6901 pointer into the body, or a parameter's name) and what is wrong. */
export type FieldError = { pointer: string; message: string };
