import { type JsonObject, textOf } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { type HeardCall, tagContext } from "../heard-call.ts";
import { findSecret, tagsOf } from "./operations.ts";

/**
 * What a call needs the right to. A secret that is there goes by its whole ARN, however the call names it; one that is not has no
 * six characters behind its name yet.
 */
export function rightTaken(cloud: Cloud, operation: string, input: JsonObject): Omit<HeardCall, "caller"> {
  const asked = textOf(input.SecretId) ?? textOf(input.Name);
  const found = asked === undefined ? undefined : findSecret(cloud, asked);
  const named = `arn:aws:secretsmanager:${cloud.region}:${cloud.accountId}:secret:${asked}`;
  const resource = found?.identifier ?? (asked?.startsWith("arn:") ? asked : named);
  const context = {
    ...(found === undefined ? {} : tagContext("ResourceTag", tagsOf(found.properties))),
    ...(Array.isArray(input.Tags) ? tagContext("RequestTag", tagsOf(input)) : {}),
  };
  return { action: `secretsmanager:${operation}`, resource: asked === undefined ? "*" : resource, context };
}
