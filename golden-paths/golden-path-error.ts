import type { FieldError } from "../core/field-error.ts";

/** A golden path that cannot be used: which file, and where in it. Raised while loading, so that no request meets it. */
export class GoldenPathError extends Error {
  override readonly name = "GoldenPathError";
  readonly file: string;
  readonly faults: readonly FieldError[];
  constructor(file: string, faults: readonly FieldError[], options?: { cause: unknown }) {
    super(faults.map(({ pointer, message }) => `${file}#${pointer}: ${message}`).join("\n"), options);
    this.file = file;
    this.faults = faults;
  }
}
