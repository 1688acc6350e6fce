import type { Json, JsonObject } from "../core/json.ts";

/** What the schemas use of JSON Schema draft 7. `$ref` only ever names a definition of the same schema. */
export type PropertySchema = {
  $ref?: string;
  type?: string | string[];
  properties?: { [name: string]: PropertySchema };
  patternProperties?: { [pattern: string]: PropertySchema };
  additionalProperties?: boolean | PropertySchema;
  items?: PropertySchema;
  required?: string[];
  default?: Json;
  enum?: Json[];
  /** cfn-lint's addition, where AWS takes any case. */
  enumCaseInsensitive?: string[];
  pattern?: string;
  minLength?: number;
  maxLength?: number;
  /** `false`: AWS may return the items in another order than they were given. */
  insertionOrder?: boolean;
  uniqueItems?: boolean;
  oneOf?: PropertySchema[];
  anyOf?: PropertySchema[];
  allOf?: PropertySchema[];
};

export type HandlerName = "create" | "read" | "update" | "delete" | "list";

export type Handler = {
  /** The IAM actions the operation needs, `s3:CreateBucket`. */
  permissions?: string[];
  timeoutInMinutes?: number;
  /** What `ListResources` needs in its `ResourceModel`. */
  handlerSchema?: PropertySchema;
};

/**
 * AWS's own schema of one resource type, descriptions left out. Lists of properties hold the schema's own pointers
 * such as `/properties/Rules/0/Name` with a star for the index; `pointers.ts` reads them.
 */
export type AwsSchema = {
  typeName: string;
  properties: { [name: string]: PropertySchema };
  definitions?: { [name: string]: PropertySchema };
  required?: string[];
  additionalProperties?: boolean;
  primaryIdentifier: string[];
  additionalIdentifiers?: string[][];
  /** Set by AWS alone: outputs, never drift. */
  readOnlyProperties?: string[];
  /** Never returned: never drift, never logged. */
  writeOnlyProperties?: string[];
  /** A change means replacement. */
  createOnlyProperties?: string[];
  /** A change may mean replacement, depending on values. */
  conditionalCreateOnlyProperties?: string[];
  /** JSONata by property: what AWS makes of the value that was given. */
  propertyTransform?: { [pointer: string]: string };
  tagging?: {
    taggable?: boolean;
    tagOnCreate?: boolean;
    tagUpdatable?: boolean;
    tagProperty?: string;
    permissions?: string[];
  };
  handlers: { [name in HandlerName]?: Handler };
};

export type { Json, JsonObject };
