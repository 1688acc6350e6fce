import type { Definition, GoldenPaths } from "../../core/definition.ts";
import type { Intent } from "../../core/intent.ts";
import { hashOf, type Json } from "../../core/json.ts";
import type { Policy, PolicyInput, Verdict, Violation } from "../../core/policy.ts";
import type { ContextResource, IntentContext } from "../../core/store.ts";

export const idOf = (digits: number) => `0192f3c1-7a10-7c3e-9a51-${String(digits).padStart(12, "0")}`;

export function counter(first = 1000): () => string {
  let made = first;
  return () => idOf(made++);
}

export function definitionOf(name: string, more: Partial<Definition> = {}): Definition {
  return {
    type: "bucket",
    version: 1,
    class: null,
    parameters: {},
    overrides: null,
    provider: "aws",
    kind: "AWS::S3::Bucket",
    properties: { BucketName: name, ...more.parameters },
    externalName: name,
    outputs: { arn: "${attributes.Arn}", url: "${attributes.Url}" },
    protected: false,
    monthlyPrice: null,
    ...more,
  };
}

/** Takes any parameters as the provider's properties. The type `refused` is refused; `Fixed` can only be replaced. */
export const goldenPaths: GoldenPaths = {
  list: () => [],
  resolve({ pointer, request, name }) {
    if (request.type === "refused") return { ok: false, errors: [{ pointer: `${pointer}/type`, message: "refused" }] };
    const { type, version = 2, parameters = {}, overrides = null } = request;
    return { ok: true, definition: definitionOf(name, { type, version, parameters, overrides }) };
  },
  replacements: (before, after) => (before.properties.Fixed === after.properties.Fixed ? [] : ["/properties/Fixed"]),
};

/** A resource that is there, READY, as `definition` says. */
export function existing(name: string, more: Partial<ContextResource> = {}): ContextResource {
  const definition = more.definition === undefined ? definitionOf(name) : more.definition;
  return {
    id: `id-of-${name}`,
    name,
    type: "bucket",
    version: 1,
    status: "READY",
    deleting: false,
    generation: 3,
    identifier: name,
    definitionHash: hashOf((definition ?? {}) as unknown as Json),
    outputKeys: ["arn", "url"],
    heldOutside: false,
    dependsOn: [],
    operation: { id: `operation-of-${name}`, kind: "apply", status: "SUCCEEDED" },
    ...more,
    definition,
  };
}

export function contextOf(resources: ContextResource[] = [], more: Partial<IntentContext> = {}): IntentContext {
  return {
    team: { contact: "payments@example.com" },
    environment: { tier: "staging" },
    targets: { aws: { region: "eu-central-1" } },
    version: 7,
    key: null,
    resources,
    ...more,
  };
}

const place = { team: "payments", service: "orders", environment: "staging" };

export function applying(resources: (Intent & { action: "apply" })["resources"]): Intent & { action: "apply" } {
  return { action: "apply", ...place, resources };
}

export function deleting(resources: string[] | null): Intent & { action: "delete" } {
  return { action: "delete", ...place, resources };
}

export const url = (name: string) => `\${resources.${name}.outputs.url}`;

/** A request for a bucket that uses these resources' urls. */
export const using = (...names: string[]) => ({ type: "bucket", parameters: { uses: names.map(url) } });

export const violation = (rule: string, resource: string): Violation => ({
  rule,
  resource,
  pointer: `/resources/${resource}`,
  message: `${rule} says no`,
  fix: "do otherwise",
});

/** Keeps what it was asked; `judge` says what it answers beyond a yes. */
export function policyOf(
  judge: (input: PolicyInput) => Partial<Verdict> = () => ({}),
): Policy & { asked: PolicyInput[] } {
  const asked: PolicyInput[] = [];
  return {
    revision: "r1",
    wasmHash: "0".repeat(64),
    asked,
    evaluate(input) {
      asked.push(input);
      return {
        allow: true,
        violations: [],
        warnings: [],
        inputHash: hashOf(input as unknown as Json),
        ...judge(input),
      };
    },
  };
}
