/** What an AWS SDK client threw, as far as deciding about it goes. */
export type SdkError = {
  name: string;
  message: string;
  /** `throttled`: refused before anything happened. `lost`: nobody knows. `answered`: the service said no. */
  kind: "throttled" | "lost" | "answered";
};

const throttlings = new Set([
  "ThrottlingException",
  "Throttling",
  "TooManyRequestsException",
  "RequestLimitExceeded",
  "SlowDown",
]);

/**
 * @throws whatever is not an answer of the service or of the network on the way to it: a bug is not an outcome
 */
export function sdkError(thrown: unknown): SdkError {
  if (!(thrown instanceof Error)) throw thrown;
  const { name, message } = thrown;
  const status = statusOf(thrown);
  if (throttlings.has(name) || status === 429) return { name, message, kind: "throttled" };
  if (status === undefined && !isNetwork(thrown)) throw thrown;
  if (status === undefined || status >= 500) return { name, message, kind: "lost" };
  return { name, message, kind: "answered" };
}

function statusOf(error: Error): number | undefined {
  const { $metadata, $response } = error as {
    $metadata?: { httpStatusCode?: number };
    $response?: { statusCode?: number };
  };
  // A body that cannot be read has a status of 200 and still nobody knows what it said.
  if (error instanceof SyntaxError) return undefined;
  return $metadata?.httpStatusCode ?? $response?.statusCode;
}

function isNetwork(error: Error): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return (
    [
      "AbortError",
      "TimeoutError",
      "RequestTimeout",
      "SyntaxError",
      "NetworkingError",
      "CredentialsProviderError",
    ].includes(error.name) ||
    (typeof code === "string" && /^E[A-Z]+|^UND_ERR|^ERR_HTTP/.test(code))
  );
}
