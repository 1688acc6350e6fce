import { AwsError } from "../cloud/aws-error.ts";
import type { JsonObject } from "../cloud/json.ts";

type Constraint = { least: number; most: number; pattern?: RegExp };

/** As the service's API reference has them. */
const constraints: { readonly [member: string]: Constraint } = {
  TypeName: { least: 10, most: 196, pattern: /^[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}::[A-Za-z0-9]{2,64}(::MODULE)?$/ },
  ClientToken: { least: 1, most: 128, pattern: /^[-A-Za-z0-9+/=]+$/ },
  Identifier: { least: 1, most: 1024 },
  RequestToken: { least: 1, most: 128, pattern: /^[-A-Za-z0-9+/=]+$/ },
  DesiredState: { least: 1, most: 262_144 },
  PatchDocument: { least: 1, most: 262_144 },
};

/** @throws {AwsError} ValidationException for a member that the service refuses before it looks at anything else */
export function checkMembers(input: JsonObject): void {
  for (const [member, { least, most, pattern }] of Object.entries(constraints)) {
    const value = input[member];
    if (value === undefined) continue;
    if (typeof value !== "string") throw invalid(member, "Member must be a string");
    if (value.length < least) throw invalid(member, `Member must have length greater than or equal to ${least}`);
    if (value.length > most) throw invalid(member, `Member must have length less than or equal to ${most}`);
    if (pattern !== undefined && !pattern.test(value))
      throw invalid(member, `Member must satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`);
  }
}

function invalid(member: string, constraint: string): AwsError {
  const at = member.charAt(0).toLowerCase() + member.slice(1);
  const message = `1 validation error detected: Value at '${at}' failed to satisfy constraint: ${constraint}`;
  return new AwsError("ValidationException", message);
}
