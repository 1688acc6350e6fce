import type { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Failure, Provider, ProviderCall } from "../../core/provider.ts";
import { perTarget } from "../per-target.ts";
import { createObject, deleteObject, updateObject } from "./change-object.ts";
import { failure } from "./failures.ts";
import type { Look } from "./look.ts";
import { observeObject } from "./observe-object.ts";
import { secretsIn } from "./secrets.ts";

export type AwsProviderPorts = {
  /** A client in the target's account and region, with SDK retries off (`maxAttempts: 1`): the state machine retries. */
  clientFor(target: JsonObject): CloudControlClient;
  readSchema(typeName: string): AwsSchema | undefined;
};

/** All of `AWS::*` through Cloud Control; what is particular to a type is in AWS's own schema of it. */
export function createAwsProvider({ clientFor, readSchema }: AwsProviderPorts): Provider {
  const client = perTarget(clientFor);
  const look = (call: ProviderCall): Look | null => {
    const schema = readSchema(call.kind);
    return schema
      ? { call, schema, client: client(call.target), secrets: secretsIn(schema, call.desired), beyond: 0 }
      : null;
  };
  return {
    name: "aws",
    async observe(call) {
      const at = look(call);
      return at
        ? told(at, await observeObject(at))
        : { state: "unknown", failure: noSchema(call), retryAfterSeconds: null };
    },
    async apply(call, observed) {
      const at = look(call);
      if (!at) return { outcome: "rejected", failure: noSchema(call) };
      return told(at, await (observed.state === "absent" ? createObject(at) : updateObject(at, observed.identifier)));
    },
    async destroy(call, { identifier }) {
      const at = look(call);
      return at ? told(at, await deleteObject(at, identifier)) : { outcome: "rejected", failure: noSchema(call) };
    },
  };
}

/** An answer, and what it cost where that was more than usual. */
function told<Answer extends object>({ beyond }: Look, answer: Answer): Answer & { beyond?: number } {
  return beyond === 0 ? answer : { ...answer, beyond };
}

function noSchema(call: ProviderCall): Failure {
  return failure(
    call.kind,
    "UNKNOWN_KIND",
    "AWS publishes no schema of this type that Cairn knows, or the type cannot be made through Cloud Control",
    false,
  );
}
