/** Where an error was thrown, eight frames at most. For logs: its message may quote a value, its stack's lines do not. */
export function whereThrown(error: Error | null | undefined): string[] {
  const lines = (error?.stack ?? "").split("\n").filter((line) => line.startsWith("    at "));
  return lines.slice(0, 8).map((line) => line.trim());
}
