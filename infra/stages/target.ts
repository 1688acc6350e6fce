import { fileURLToPath } from "node:url";
import { z } from "zod";
import { goldenPathVariants } from "../golden-path-data.ts";
import { capacity, engineVersion, minIsNotAboveMax } from "./aurora.ts";
import { closed } from "./closed.ts";
import { accountId, name, regionName, securityGroupId, subnetId } from "./names.ts";
import { noTwo } from "./no-two.ts";

const environment = z.string().regex(/^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/, "must be an environment's name");
const environments = z.array(environment).min(1, "must name at least one environment");

/**
 * A cluster on which the `postgres` provider makes tenants' databases: made with the target, or one that is there. It is
 * the target's, never the store.
 */
const newTenantsSchema = closed({
  cluster: z.literal("new"),
  /** Whose databases live here. */
  environments,
  engineVersion,
  minCapacity: capacity.min(0),
  maxCapacity: capacity.min(1),
  standby: z.boolean(),
  backupDays: z.int().min(1).max(35),
  deletionProtection: z.boolean(),
  /** In the account's own network, from which tenants connect: two zones at least. */
  subnetIds: z.array(z.string().regex(subnetId, "must be a subnet's id")).min(2),
  securityGroupIds: z.array(z.string().regex(securityGroupId, "must be a security group's id")).min(1),
  /** Where the admin connects; no tenant's. */
  database: z.string().regex(/^[a-z][a-z0-9_]{0,62}$/, "must be a database's name"),
}).check(minIsNotAboveMax);

const tenantsSchema = z.discriminatedUnion("cluster", [
  newTenantsSchema,
  closed({
    cluster: z.literal("existing"),
    environments,
    clusterArn: z
      .string()
      .regex(/^arn:aws[a-z-]*:rds:[a-z0-9-]+:\d{12}:cluster:[a-z0-9-]+$/, "must be a cluster's ARN"),
    /** Of a role that may CREATEROLE and CREATEDB and no more. */
    adminSecretArn: z.string().regex(/^arn:aws[a-z-]*:secretsmanager:/, "must be a secret's ARN"),
    host: z.hostname({ error: "must be a host name" }).or(z.ipv4()),
    port: z.int().min(1).max(65_535),
    /** Where that role connects. */
    database: z.string().min(1),
  }),
]);

const targetSchema = closed({
  /** Of its stack and its roles, `cairn-{stage}-target-{name}`, `…-look`, `…-tenants` and `…-tenants-look`. */
  name: name
    .max(17, "must be at most 17 characters: a role's name has 64, and a stage's 20 of them")
    .refine((text) => !/-(?:look|tenants)$/.test(text), "must not end like another target's role"),
  account: accountId,
  region: regionName,
  /** Whose AWS resources live here. */
  environments,
  /** Sent along when the role is taken on, so that nobody else's mistake makes Cairn act here: make one up per target. */
  externalId: z.string().regex(/^[\w+=,.@:/-]{16,128}$/, "must be 16 to 128 letters, digits and any of +=,.@:/-"),
  /** Calls a second that this account may get; null: 25, which Cloud Control takes safely. */
  requestsPerSecond: z.number().min(0.1).max(1000).nullable(),
  /** What golden paths read as `${target.…}`: subnets, security groups, clusters. */
  values: z
    .record(z.string(), z.union([z.string(), z.array(z.string())], { error: "must be a string or a list of strings" }))
    .check(someoneReads, areWhatTheySay),
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
export type Tenants = z.infer<typeof tenantsSchema>;
export type NewTenants = z.infer<typeof newTenantsSchema>;

/** A misspelt value would be found by the first developer whose intent misses it. */
function someoneReads({ value, issues }: z.core.ParsePayload<{ [key: string]: unknown }>): void {
  const variants = goldenPathVariants(fileURLToPath(new URL("../..", import.meta.url)));
  const read = variants
    .filter(({ provider }) => provider === "aws")
    .flatMap(({ target }) => [...target.required, ...target.optional]);
  const allowed = [...new Set(read)].sort();
  for (const key of Object.keys(value).filter((key) => !allowed.includes(key))) {
    const message = `is read by no golden path; they read ${allowed.join(", ")}`;
    issues.push({ code: "custom", path: [key], input: value[key], message });
  }
}

/** What a target value's name says it holds. */
const said: readonly { named: RegExp; looks: RegExp; what: string }[] = [
  { named: /subnetIds?$/i, looks: subnetId, what: "a subnet's id, subnet-…" },
  { named: /securityGroupIds?$/i, looks: securityGroupId, what: "a security group's id, sg-…" },
  { named: /Arn$/, looks: /^arn:aws[a-z-]*:/, what: "an ARN" },
];

function areWhatTheySay({ value, issues }: z.core.ParsePayload<{ [key: string]: string | string[] }>): void {
  for (const [key, held] of Object.entries(value)) {
    for (const { looks, what } of said.filter(({ named }) => named.test(key)))
      for (const text of [held].flat().filter((text) => !looks.test(text)))
        issues.push({ code: "custom", path: [key], input: held, message: `${JSON.stringify(text)} is not ${what}` });
  }
}
