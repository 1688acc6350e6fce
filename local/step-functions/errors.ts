/** An error of the Step Functions API: `name` is the one that the SDK raises. */
export class StatesError extends Error {
  override readonly name: string;
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export function invalidMember(member: string, constraint: string): StatesError {
  const message = `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member must ${constraint}`;
  return new StatesError("ValidationException", message);
}
