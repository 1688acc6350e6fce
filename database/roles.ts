import { scramVerifier } from "../core/scram.ts";
import type { Database } from "./data-api.ts";

/**
 * Makes a caller's database role, or gives it the password its secret holds now. The password never travels: the server gets
 * a SCRAM verifier. CREATE ROLE takes no parameters; the verifier's alphabet holds no quote.
 */
export async function ensureRole(database: Database, role: string, password: string): Promise<void> {
  if (!/^[a-z][a-z_]{0,62}$/.test(role)) throw new Error(`"${role}" is no name for a role of the store.`);
  const verifier = scramVerifier(password);
  const [known] = await database.rows<boolean>("select to_jsonb(exists (select from pg_roles where rolname = :role))", {
    role,
  });
  // A new role has no attribute but what it is given; ALTER may not even name those that only a superuser changes.
  const verb = known === true ? "alter" : "create";
  await database.rows(`${verb} role ${role} with login connection limit 100 password '${verifier}'`);
}
