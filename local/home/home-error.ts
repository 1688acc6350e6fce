/** What keeps the data folder from being used, as one line for a person that also says what to do. */
export class HomeError extends Error {
  override readonly name = "HomeError";
}
