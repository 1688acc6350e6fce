import { z } from "zod";
import type { ProviderCall } from "../../core/provider.ts";
import { rejected } from "./step-failed.ts";

/** The shared cluster, as the platform team sets it per environment. `database` is where the admin connects. */
const clusterTarget = z.object({
  region: z.string(),
  clusterArn: z.string(),
  adminSecretArn: z.string(),
  host: z.string(),
  port: z.coerce.number().int(),
  database: z.string(),
});
export type ClusterTarget = z.infer<typeof clusterTarget>;

const databaseProperties = z.object({
  Database: z.string().min(1).max(63),
  Role: z.string().min(1).max(63),
  /** -1: as many as the cluster takes. */
  ConnectionLimit: z.number().int().min(-1).default(-1),
});
export type DatabaseProperties = z.infer<typeof databaseProperties>;

export type Wanted = DatabaseProperties & { target: ClusterTarget; secretName: string; marker: string };

/** @throws {StepFailed} when the target or the properties are not what this provider takes */
export function wantedBy(call: ProviderCall): Wanted {
  const target = clusterTarget.safeParse(call.target);
  if (!target.success) {
    const fields = target.error.issues.map(({ path }) => path.join(".")).join(", ");
    throw rejected("BAD_TARGET", `the environment's postgres target is incomplete (${fields}): ask the platform team`);
  }
  const properties = databaseProperties.safeParse(call.desired);
  if (!properties.success) {
    const fields = properties.error.issues.map(({ path, message }) => `/${path.join("/")} ${message}`).join("; ");
    throw rejected("INVALID_REQUEST", fields);
  }
  const marker = `cairn:resource-id=${call.resourceId}`;
  return { ...properties.data, target: target.data, secretName: call.externalName, marker };
}
