import { z } from "zod";
import { closed } from "./closed.ts";
import { accountId, name, regionName } from "./names.ts";
import { noTwo } from "./no-two.ts";

const environment = z.string().regex(/^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/, "must be an environment's name");
const environments = z.array(environment).min(1, "must name at least one environment");

/** A cluster on which the `postgres` provider makes tenants' databases. It is the target's, never the store. */
const tenantsSchema = closed({
  /** Whose databases live here. */
  environments,
  minCapacity: z.number().min(0).max(256).multipleOf(0.5),
  maxCapacity: z.number().min(1).max(256).multipleOf(0.5),
  deletionProtection: z.boolean(),
}).refine(({ minCapacity, maxCapacity }) => minCapacity <= maxCapacity, {
  path: ["minCapacity"],
  error: "must not be above maxCapacity",
});

const targetSchema = closed({
  /** Of its stack and its role, `cairn-{stage}-target-{name}`. */
  name,
  account: accountId,
  region: regionName,
  /** Whose AWS resources live here. */
  environments,
  /** Sent along when the role is taken on, so that nobody else's mistake makes Cairn act here: make one up per target. */
  externalId: z.string().regex(/^[\w+=,.@:/-]{16,128}$/, "must be 16 to 128 letters, digits and any of +=,.@:/-"),
  /** Calls a second that this account may get; null: 25, which Cloud Control takes safely. */
  requestsPerSecond: z.number().min(0.1).max(1000).nullable(),
  /** What golden paths read as `${target.…}`: subnets, security groups, clusters. */
  values: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
  tenants: tenantsSchema.nullable(),
});

/** Each environment has one place per provider: two would overwrite each other in the store. */
export const targetsSchema = z.array(targetSchema).check(
  noTwo(({ name }) => [name], "name"),
  noTwo(({ environments }) => environments, "environment"),
  noTwo(({ tenants }) => tenants?.environments ?? [], "tenants' environment"),
  noTwo(({ externalId }) => [externalId], "externalId"),
);

export type Target = z.infer<typeof targetSchema>;
