import type { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Failure, ProviderCall } from "../../core/provider.ts";

/** All that the steps of one provider call share. */
export type Look = {
  call: ProviderCall;
  client: CloudControlClient;
  schema: AwsSchema;
  secrets: string[];
  /** Calls beyond those of every step: further pages of a list, and reads of what turns out to be others'. Counted as they are made. */
  beyond: number;
};

export type FoundObject = { identifier: string; actual: JsonObject };

/** What looking for an object showed. */
export type Sight =
  | { sight: "found"; object: FoundObject }
  | { sight: "nothing" }
  | { sight: "unclear"; failure: Failure; retryAfterSeconds: number | null };
