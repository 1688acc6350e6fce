import type { FieldError } from "./field-error.ts";
import type { Json, JsonObject } from "./json.ts";

/** What a caller asks for under one name of an intent. */
export type ResourceRequest = {
  type: string;
  version?: number | undefined;
  class?: string | undefined;
  parameters?: JsonObject | undefined;
  overrides?: JsonObject | undefined;
};

export type Tier = "development" | "staging" | "production";
export const tiers: readonly Tier[] = ["development", "staging", "production"];

/**
 * A request with its golden path applied: all that is needed to converge the resource, and nothing that is looked up
 * later but other resources' outputs. Stored with the resource, hashed for the decision (law I7). At most 32 KiB.
 */
export type Definition = {
  type: string;
  version: number;
  class: string | null;
  /** With the golden path's defaults filled in; references as written. */
  parameters: JsonObject;
  overrides: JsonObject | null;
  /** Which provider folder converges it: `aws`, `postgres`. */
  provider: string;
  /** The provider's own type: `AWS::S3::Bucket`, `Postgres::Database`. */
  kind: string;
  /** The provider's own properties as wanted, overrides merged in, owner's tags included, references as written. */
  properties: JsonObject;
  /** The derived name, also present in `properties` where the kind can be named. */
  externalName: string;
  /** Templates over `${attributes.…}`, the provider's read model; everything else in them is already filled in. */
  outputs: { [key: string]: Json };
  /** A delete is refused until an apply lifts it. */
  protected: boolean;
  /** A hint in the golden path's currency; null where the path has none for this class and tier. */
  monthlyPrice: { amount: number; currency: string } | null;
};

export type ResolveInput = {
  /** Where the request stands in the intent, `/resources/db`; errors point below it. */
  pointer: string;
  request: ResourceRequest;
  resourceId: string;
  team: string;
  service: string;
  environment: string;
  tier: Tier;
  name: string;
  /** The environment's targets by provider: what `${target.…}` reads. */
  targets: { [provider: string]: JsonObject };
};

export type ResolveResult = { ok: true; definition: Definition } | { ok: false; errors: FieldError[] };

/** One line of `GET /v1/resource-types`: enough to write a request without reading anything else. */
export type ResourceType = {
  type: string;
  version: number;
  title: string;
  description: string;
  classes: { [name: string]: { description: string } };
  defaultClass: string | null;
  parameters: JsonObject;
  /** Per tier: the provider and kind, the parameters' defaults, the outputs' names with what they hold, the price. */
  tiers: {
    [tier in Tier]?: {
      provider: string;
      kind: string;
      defaults: JsonObject;
      outputs: { [key: string]: string };
      monthlyPrice: { [className: string]: { amount: number; currency: string; source: string; date: string } } | null;
    };
  };
};

/** The catalog of golden paths. Pure once loaded. */
export type GoldenPaths = {
  list(): ResourceType[];
  resolve(input: ResolveInput): ResolveResult;
  /**
   * What was asked for that the provider can only change by replacing the object: pointers into the resource's request, as
   * `/parameters/replicas`, `/overrides/BucketName`, `/type`.
   */
  replacements(before: Definition, after: Definition): string[];
};
