import { scramVerifier } from "../core/scram.ts";
import type { Database } from "./data-api.ts";

// The password never travels: the server gets a SCRAM verifier. CREATE and ALTER ROLE take no parameters; names are checked,
// and the verifier's alphabet holds no quote.

/**
 * Makes a caller's login, or gives it the password its secret holds now. It is the role itself, which rights are granted to and
 * row-level security goes by, or a member of it, which has the same.
 */
export async function ensureLogin(database: Database, role: string, username: string, password: string): Promise<void> {
  const [known = []] = await database.rows<string[]>(
    "select coalesce(jsonb_agg(rolname), '[]') from pg_roles where rolname in (:role, :username)",
    { role, username },
  );
  if (username !== role && !known.includes(role)) await database.rows(`create role ${named(role)}`);
  // A new role has no attribute but what it is given; ALTER may not even name those that only a superuser changes.
  const verb = known.includes(username) ? "alter" : "create";
  await database.rows(`${verb} role ${named(username)} with login connection limit 100 ${withPassword(password)}`);
  if (username !== role) await database.rows(`grant ${named(role)} to ${named(username)}`);
}

/** As the role itself: nobody else may, where it is the cluster's master user. */
export async function changeOwnPassword(database: Database, username: string, password: string): Promise<void> {
  await database.rows(`alter role ${named(username)} with ${withPassword(password)}`);
}

function named(role: string): string {
  if (!/^[a-z][a-z_]{0,62}$/.test(role)) throw new Error(`"${role}" is no name for a role of the store.`);
  return role;
}

function withPassword(password: string): string {
  return `password '${scramVerifier(password)}'`;
}
