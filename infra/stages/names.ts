import { RegionInfo } from "aws-cdk-lib/region-info";
import { z } from "zod";

const regions = RegionInfo.regions.map(({ name }) => name);

export const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,19}$/, "must be lower-case letters, digits and dashes, at most 20");

export const accountId = z.string().regex(/^[0-9]{12}$/, "must be an account id of 12 digits");

export const subnetId = /^subnet-[0-9a-f]+$/;
export const securityGroupId = /^sg-[0-9a-f]+$/;

export const regionName = z.string().refine((region) => regions.includes(region), {
  error: ({ input }) => `${JSON.stringify(input)} is no region of AWS; there are ${regions.join(", ")}`,
});

/** `aws`, but for China and the government's regions. */
export function partitionOf(region: string): string {
  return RegionInfo.get(region).partition ?? "aws";
}
