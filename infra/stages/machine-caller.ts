import { z } from "zod";
import { closed } from "./closed.ts";
import { name } from "./names.ts";
import { noTwo } from "./no-two.ts";

const roleArn = z.string().regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/, "must be an IAM role's ARN");
const teamName = z.string().regex(/^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/, "must be a team's name");

/** A machine, such as a pipeline, that calls with SigV4. Cairn makes a role for it, which the trusted roles take on. */
const machineCaller = z.discriminatedUnion("role", [
  closed({ name, trusts: z.array(roleArn).min(1), role: z.literal("platform") }),
  closed({ name, trusts: z.array(roleArn).min(1), role: z.literal(["viewer", "developer"]), team: teamName }),
]);

/** They travel in the API function's environment, which takes 4 KB; more machines can have tokens instead. */
const most = 15;

export const machineCallersSchema = z
  .array(machineCaller)
  .max(most, `must be at most ${most}: give further machines tokens of the identity provider`)
  .check(noTwo(({ name }) => [name], "name"));

export type MachineCaller = z.infer<typeof machineCaller>;
