import { z } from "zod";
import { closed } from "./closed.ts";

export const domainSchema = closed({
  name: z.hostname({ error: "must be a host name" }),
  /** In Certificate Manager, in the stage's region, for this name. */
  certificateArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/, "must be a Certificate Manager ARN"),
  /** The Route 53 zone that gets the record; null: make it yourself, of the output `DomainTarget`. */
  zone: closed({ id: z.string().regex(/^Z[A-Z0-9]+$/, "must be a hosted zone's id"), name: z.string() }).nullable(),
});
