import { DataApiError } from "./errors.ts";

export type Credentials = { username: string; password: string };
export type ReadSecret = (arn: string) => Promise<Credentials | undefined>;

export type Secrets = {
  /** @throws {DataApiError} when there is no such secret, or it holds no username and password */
  read(arn: string): Promise<Credentials>;
  /** Postgres refused them: the next read asks again. */
  forget(arn: string): void;
};

/** Credentials by secret ARN, kept for a minute. Requests at once share one read. */
export function cachedSecrets(readSecret: ReadSecret, keepMs = 60_000): Secrets {
  const kept = new Map<string, { at: number; credentials: Promise<Credentials> }>();
  return {
    read(arn) {
      const known = kept.get(arn);
      if (known && Date.now() - known.at < keepMs) return known.credentials;
      const credentials = fetchCredentials(readSecret, arn);
      kept.set(arn, { at: Date.now(), credentials });
      credentials.catch(() => kept.delete(arn));
      return credentials;
    },
    forget(arn) {
      kept.delete(arn);
    },
  };
}

async function fetchCredentials(readSecret: ReadSecret, arn: string): Promise<Credentials> {
  if (!/^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:.+/.test(arn)) {
    throw new DataApiError("BadRequestException", "Invalid secret ARN");
  }
  const credentials = await readSecret(arn).catch((cause) => {
    throw new DataApiError("SecretsErrorException", "The secret couldn't be retrieved", { cause });
  });
  if (!credentials) throw new DataApiError("SecretsErrorException", "Secrets Manager can't find the specified secret.");
  if (!credentials.username || !credentials.password) {
    throw new DataApiError("InvalidSecretException", "The secret holds no username and password");
  }
  return credentials;
}
