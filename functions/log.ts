/** One line of JSON, as CloudWatch takes it. Fields are ids, counts, names and codes: never a value of a resource. */
export function log(level: "info" | "error", message: string, fields: { [name: string]: unknown } = {}): void {
  process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}
