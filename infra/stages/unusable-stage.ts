/** A stage's file cannot be used. The message is all there is to say: file, key, and what is allowed. */
export class UnusableStage extends Error {
  override readonly name = "UnusableStage";
}

/** @param faults each `key: what is allowed` */
export function unusable(file: string, faults: readonly string[]): UnusableStage {
  return new UnusableStage(`${file} cannot be used:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}
