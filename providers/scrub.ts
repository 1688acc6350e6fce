const mask = "***";

/** What looks like a credential whoever wrote it: `password=…`, `postgres://user:…@`, an access key. */
const credentials: readonly [RegExp, string][] = [
  [
    /((?:password|passwd|pwd|secret|token|credential|authorization)s?\w*["'\\]*\s*[:=]\s*)(\\*"[^"]*"|'[^']*'|[^\s,;}]+)/gi,
    `$1${mask}`,
  ],
  [/(:\/\/[^\s:/@]+:)[^\s@]+@/g, `$1${mask}@`],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, mask],
  [/SCRAM-SHA-256\$\S+/g, mask],
];

/**
 * A provider's message as it may be stored and shown: without the secrets that we sent, without what looks like a
 * credential, and at most 500 characters.
 */
export function scrub(message: string, secrets: readonly string[] = []): string {
  let text = message;
  // Longest first, so that a secret that holds another leaves nothing of itself.
  for (const secret of [...secrets].sort((one, other) => other.length - one.length)) {
    if (secret.length < 4) continue;
    for (const written of [secret, JSON.stringify(secret).slice(1, -1)]) text = text.replaceAll(written, mask);
  }
  for (const [pattern, replacement] of credentials) text = text.replace(pattern, replacement);
  return text.length <= 500 ? text : `${text.slice(0, 499)}…`;
}
