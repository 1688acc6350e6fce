import pg from "pg";

/** The service's exceptions and their HTTP status. `ValidationException` is the front's own and not in the SDK's model. */
const statuses = {
  BadRequestException: 400,
  DatabaseErrorException: 400,
  DatabaseUnavailableException: 504,
  InternalServerErrorException: 500,
  InvalidSecretException: 400,
  RequestEntityTooLargeException: 413,
  SecretsErrorException: 400,
  StatementTimeoutException: 400,
  TransactionNotFoundException: 404,
  UnsupportedResultException: 400,
  UnknownOperationException: 404,
  ValidationException: 400,
} as const;

export class DataApiError extends Error {
  override readonly name: keyof typeof statuses;
  readonly status: number;
  constructor(name: keyof typeof statuses, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
    this.status = statuses[name];
  }
}

/** A connection that was never made: nothing ran, and the same call may be sent again. */
const notConnected = new Set(["ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "EPIPE"]);
/** Postgres starts, stops or recovers. */
const notServing = new Set(["57P01", "57P02", "57P03"]);

/**
 * What the service answers for an error of the driver. A connection lost while a statement ran is a 500: nobody knows
 * whether it was committed (law F8).
 */
export function asDataApiError(error: unknown): DataApiError {
  if (error instanceof DataApiError) return error;
  const { code = "", message } = error as { code?: string; message: string };
  if (error instanceof pg.DatabaseError) {
    if (notServing.has(code)) return unavailable(error);
    if (code === "57014" && message.includes("statement timeout")) {
      return new DataApiError("StatementTimeoutException", "Request timed out", { cause: error });
    }
    const position = error.position === undefined ? "" : `; Position: ${error.position}`;
    return new DataApiError(
      "DatabaseErrorException",
      `${error.severity ?? "ERROR"}: ${message}${position}; SQLState: ${code}`,
      { cause: error },
    );
  }
  if (notConnected.has(code) || message.includes("timeout exceeded when trying to connect")) return unavailable(error);
  return new DataApiError("InternalServerErrorException", "The connection to the database was lost", { cause: error });
}

/** Whether Postgres refused the user or the password, so that the secret is worth reading again. */
export function isAuthenticationFailure(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === "28P01" || error.code === "28000");
}

function unavailable(cause: unknown): DataApiError {
  return new DataApiError("DatabaseUnavailableException", "The writer instance in the DB cluster isn't available", {
    cause,
  });
}
