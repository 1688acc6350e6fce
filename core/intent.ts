import type { ResourceRequest } from "./definition.ts";
import type { ResourceStatus } from "./resource.ts";

export type IntentStatus = "PENDING" | "SYNCING" | "READY" | "FAILED" | "SUPERSEDED" | "DELETED";

/** A parsed intent. `delete` without `resources` means everything that the service has in the environment. */
export type Intent =
  | {
      action: "apply";
      team: string;
      service: string;
      environment: string;
      resources: { [name: string]: ResourceRequest };
    }
  | { action: "delete"; team: string; service: string; environment: string; resources: string[] | null };

/** What `202` answers, and `GET /v1/intents/{id}` with current statuses. */
export type IntentView = {
  id: string;
  status: IntentStatus;
  action: "apply" | "delete";
  team: string;
  service: string;
  environment: string;
  decision: {
    id: string;
    warnings: { rule: string; resource: string; pointer: string; message: string; fix: string }[];
  };
  resources: { id: string; name: string; type: string; status: IntentStatus | ResourceStatus }[];
};

/**
 * An intent's status from its operations' statuses: work under way first, then what failed, then what was overtaken.
 */
export function intentStatus(action: "apply" | "delete", parts: readonly IntentStatus[]): IntentStatus {
  for (const status of ["SYNCING", "PENDING", "FAILED", "SUPERSEDED"] as const) {
    if (parts.includes(status)) return status;
  }
  return action === "delete" ? "DELETED" : "READY";
}
