import type { Json, JsonObject } from "./json.ts";

export type ResourceStatus = "PENDING" | "SYNCING" | "READY" | "FAILED" | "DELETING" | "DELETED";
export const resourceStatuses: readonly ResourceStatus[] = [
  "PENDING",
  "SYNCING",
  "READY",
  "FAILED",
  "DELETING",
  "DELETED",
];

/**
 * Why a resource is where it is, in words a developer can act on. `retryAt` (ISO 8601) when Cairn goes on by itself.
 * `providerCode` where the provider is behind it, as it says it: `ACCESS_DENIED`.
 */
export type Reason = {
  code: ReasonCode;
  message: string;
  retryAt: string | null;
  providerCode?: string | undefined;
};

/** What else may come in a code's place, a page of HTML or a secret, is none and is not kept. */
export const providerCodePattern = /^[A-Z][A-Z0-9_]{0,63}$/;

export type ReasonCode =
  | "NEEDS_ATTENTION"
  | "DEPENDENCY_FAILED"
  | "PROVIDER_REJECTED"
  | "PROVIDER_THROTTLED"
  | "PROVIDER_UNAVAILABLE"
  | "WAITING_FOR_DEPENDENCY"
  | "WAITING_FOR_PREVIOUS_CHANGE"
  | "ABANDONED";

/** A managed resource as the HTTP API shows it. */
export type Resource = {
  id: string;
  team: string;
  service: string;
  environment: string;
  name: string;
  type: string;
  version: number;
  class: string | null;
  parameters: JsonObject;
  overrides: JsonObject | null;
  provider: string;
  status: ResourceStatus;
  generation: number;
  outputs: { [key: string]: Json };
  reason: Reason | null;
  external: { identifier: string } | null;
  createdAt: string;
  updatedAt: string;
};

/** One entry of a resource's timeline. `detail` depends on `event`; `message` says it in plain words. */
export type ResourceEvent = {
  id: string;
  at: string;
  event: string;
  actor: string;
  message: string;
  detail: JsonObject;
};
