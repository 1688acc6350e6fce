/** What an AWS service answers instead of a result. `name` is the error's code, which SDK clients make a class of. */
export class AwsError extends Error {
  override readonly name: string;
  readonly status: number;
  constructor(name: string, message: string, status = 400) {
    super(message);
    this.name = name;
    this.status = status;
  }
}
