/**
 * Tokens of `test/support/bad-tokens.ts` that MiniStack's authorizer does not refuse as API Gateway does, by their reason, with
 * what it answers instead. `test/local/api-gateway/tokens.test.ts` holds Cairn's own gateway to all of them.
 */
export const lenient: ReadonlyMap<string, number> = new Map([
  // It looks at these claims where they are there, and reads numbers out of text.
  ["one without exp", 200],
  ["one without iat", 200],
  ["an expiry that is text", 200],
  ["a not-before that is text", 200],
  ["an issue time that is text", 200],
  // It does not look at `crit`.
  ["a critical extension nobody knows", 200],
  // It falls over them.
  ["claims that are a list", 500],
  ["claims that are text", 500],
]);
