/** What a team, a service, an environment or a resource may be called: a DNS label's letters, 1 to 40 of them. */
export const namePattern = /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/;

export type NameAlphabet = {
  /** The longest name the provider takes, in characters. */
  maxLength: number;
  /** What joins the parts: `-` where the provider allows it, `_` for a Postgres identifier, `` where nothing does. */
  separator: "-" | "_" | "";
};

/**
 * The name an external object gets: `{service}-{name}-{8 characters of the resource id}`, in the type's alphabet and
 * length. It depends on nothing but its arguments, so an interrupted create finds its object again. The id's LAST eight
 * characters are used: a UUIDv7 begins with the time, so the first eight are equal for a whole batch. Hyphens in a row
 * become one, because RDS and ElastiCache refuse two.
 */
export function derivedName(service: string, name: string, resourceId: string, alphabet: NameAlphabet): string {
  const id = resourceId.replaceAll("-", "").slice(-8);
  const readable = `${service}-${name}`.slice(0, alphabet.maxLength - id.length - alphabet.separator.length);
  return [readable.replace(/-+$/, "").replaceAll(/-+/g, alphabet.separator), id].join(alphabet.separator);
}
