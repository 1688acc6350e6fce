import { scramVerifier } from "../core/scram.ts";
import type { Database } from "./data-api.ts";

export type RoleName = "cairn_api" | "cairn_platform" | "cairn_worker";

/**
 * Makes a caller's database role, or gives it the password its secret holds now. The password never travels: the server gets
 * a SCRAM verifier. CREATE ROLE takes no parameters; the verifier's alphabet holds no quote.
 */
export async function ensureRole(database: Database, role: RoleName, password: string): Promise<void> {
  const verifier = scramVerifier(password);
  const [known] = await database.rows<boolean>("select to_jsonb(exists (select from pg_roles where rolname = :role))", { role });
  const attributes = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls connection limit 100";
  await database.rows(`${known === true ? "alter" : "create"} role ${role} with ${attributes} password '${verifier}'`);
}
