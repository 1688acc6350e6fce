import type { AwsSchema, HandlerName } from "../../aws-schemas/aws-schema.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import type { HeardCall } from "../../local/heard-call.ts";

/** Which handler of a type AWS runs for a call of Cloud Control, with its caller's rights. */
const handlers: { readonly [action: string]: HandlerName } = {
  "cloudformation:CreateResource": "create",
  "cloudformation:GetResource": "read",
  "cloudformation:UpdateResource": "update",
  "cloudformation:DeleteResource": "delete",
  "cloudformation:ListResources": "list",
};

export type HandlerNeed = { typeName: string; handler: HandlerName; actions: string[] };

/** What AWS's schema says that the handler behind a call needs; what it is needed on, the schema does not say. */
export function handlerNeed({ action, typeName }: HeardCall): HandlerNeed | null {
  const handler = handlers[action];
  if (handler === undefined || typeName === undefined) return null;
  const schema = readSchema(typeName) as AwsSchema;
  const tagging = handler === "create" || handler === "update" ? (schema.tagging?.permissions ?? []) : [];
  return { typeName, handler, actions: [...new Set([...(schema.handlers[handler]?.permissions ?? []), ...tagging])] };
}

/**
 * What else a call of Secrets Manager takes: to make a secret with tags is to tag it, and the key that a secret lies under is used
 * with its caller's rights.
 * @param keyOf null: AWS's own key, for which nobody needs a right
 */
export function behind(call: HeardCall, region: string, keyOf: (secret: string) => string | null): HeardCall[] {
  const [service, name = ""] = call.action.split(":");
  if (service !== "secretsmanager") return [];
  const tags = name === "CreateSecret" && Object.keys(call.context).some((key) => key.startsWith("aws:RequestTag/"));
  const tagging = tags ? [{ ...call, action: "secretsmanager:TagResource" }] : [];
  return [...tagging, ...underKey(call, name, region, keyOf(call.resource))];
}

function underKey(call: HeardCall, name: string, region: string, key: string | null): HeardCall[] {
  if (key === null) return [];
  const context = { "kms:ViaService": `secretsmanager.${region}.amazonaws.com` };
  const uses = (...names: string[]) =>
    names.map((use) => ({ caller: call.caller, action: `kms:${use}`, resource: key, context }));
  if (name === "GetSecretValue") return uses("Decrypt");
  return name === "CreateSecret" || name === "PutSecretValue" ? uses("GenerateDataKey", "Decrypt") : [];
}
