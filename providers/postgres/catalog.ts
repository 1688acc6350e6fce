import { z } from "zod";
import type { Run } from "./data-api.ts";
import type { Wanted } from "./target.ts";
import { isTenant } from "./tenants.ts";

const connectors = z.array(z.string());

const catalog = z.object({
  admin: z.string(),
  role: z.object({ marker: z.string().nullable(), login: z.boolean(), elevated: z.boolean() }).nullable(),
  database: z
    .object({
      marker: z.string().nullable(),
      owner: z.string(),
      connectionLimit: z.number(),
      /** A DROP of it was cut off by a crash: it takes nothing but another DROP. */
      halfDropped: z.boolean(),
      allowsConnections: z.boolean(),
      connectors,
    })
    .nullable(),
  /** Databases that PUBLIC may connect to although the admin could forbid it; a tenant's own is that tenant's affair. */
  open: z.array(z.string()),
});
export type Catalog = z.infer<typeof catalog>;

/** All that the cluster knows of one database and its role, in one statement. */
const query = `
  select json_build_object(
    'admin', current_user,
    'role', (
      select json_build_object(
        'marker', shobj_description(r.oid, 'pg_authid'),
        'login', r.rolcanlogin,
        'elevated', r.rolcreatedb or r.rolcreaterole)
      from pg_roles r where r.rolname = :role),
    'database', (
      select json_build_object(
        'marker', shobj_description(d.oid, 'pg_database'),
        'owner', pg_get_userbyid(d.datdba),
        'connectionLimit', d.datconnlimit,
        'halfDropped', d.datconnlimit = -2,
        'allowsConnections', d.datallowconn,
        'connectors', (
          select coalesce(json_agg(distinct case a.grantee when 0 then 'PUBLIC' else pg_get_userbyid(a.grantee) end), '[]')
          from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a where a.privilege_type = 'CONNECT'))
      from pg_database d where d.datname = :database),
    'open', (
      select coalesce(json_agg(d.datname order by d.datname), '[]')
      from pg_database d
      where d.datname <> :database and d.datallowconn and not d.datistemplate and pg_has_role(d.datdba, 'USAGE') and not ${isTenant("d.datdba")}
        and exists (
          select from aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a
          where a.grantee = 0 and a.privilege_type = 'CONNECT'))
  )::text`;

export async function readCatalog(run: Run, wanted: Wanted): Promise<Catalog> {
  const text = await run(query, { role: wanted.Role, database: wanted.Database });
  return catalog.parse(JSON.parse(text ?? "null"));
}
