// DDL takes no parameters, so this is the one place where a value becomes SQL text (laws.md, security 5).

/** @throws {RangeError} for what Postgres would cut off or refuse */
export function identifier(name: string): string {
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > 63) throw new RangeError("not a Postgres name");
  return `"${name.replaceAll('"', '""')}"`;
}

/** A string, whatever `standard_conforming_strings` says: text with a backslash is written as an escape string. */
export function literal(text: string): string {
  if (text.includes("\0")) throw new RangeError("not a Postgres string");
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** Statements as one, which happen all or not at all. They must not hold the quote `$cairn$`; identifiers and literals are checked. */
export function allAtOnce(statements: readonly string[]): string {
  const body = statements.join("; ");
  if (body.includes("$cairn$")) throw new RangeError("a value holds the block's own quote");
  return `DO $cairn$ BEGIN ${body}; END $cairn$`;
}
