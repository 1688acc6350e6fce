import { randomUUID } from "node:crypto";
import type { AwsSchema, HandlerName } from "../../aws-schemas/aws-schema.ts";
import { changedAt, modelPattern, pointersMatching, withoutProperties } from "../../aws-schemas/pointers.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { changedCreateOnly, primaryIdentifierOf, withDefaults } from "../../aws-schemas/resource-model.ts";
import { validateProperties } from "../../aws-schemas/validate-properties.ts";
import { AwsError } from "../cloud/aws-error.ts";
import { isObject, type Json, type JsonObject, textOf } from "../cloud/json.ts";
import { type CloudObject, findObject, listObjects } from "../cloud/objects.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import type { Fault, Settings } from "./controls.ts";
import { madeProperties } from "./made-properties.ts";
import { applyPatch } from "./patch.ts";
import * as requests from "./requests.ts";
import { asTheServiceKeepsIt } from "./rewrites.ts";

/** One call: the cloud, how it is set, and a fault that strikes the handler. */
export type Call = { cloud: Cloud; settings: Settings; input: JsonObject; handlerFault: Fault | undefined };

export type Operation = (call: Call) => Promise<JsonObject> | JsonObject;

export const operations: { readonly [name: string]: Operation } = {
  CreateResource: createResource,
  GetResource: getResource,
  UpdateResource: updateResource,
  DeleteResource: deleteResource,
  ListResources: listResources,
  GetResourceRequestStatus: ({ cloud, input }) => ({
    ProgressEvent: requests.progressEvent(requests.findRequest(cloud, need(input, "RequestToken"))),
  }),
  ListResourceRequests: listResourceRequests,
  CancelResourceRequest: cancelResourceRequest,
};

async function createResource(call: Call): Promise<JsonObject> {
  const { cloud, input } = call;
  const schema = schemaFor(input, "create");
  const desired = parseObject(need(input, "DesiredState"), "DesiredState");
  const replayed = replay(call, "CreateResource");
  if (replayed !== undefined) return replayed;
  refuseInvalid(schema, desired);
  const kept = await asTheServiceKeepsIt(schema, desired);
  const { region, accountId } = cloud;
  const properties = madeProperties(schema, kept, { region, accountId, at: cloud.now(), seed: randomUUID() });
  const named = withoutProperties(properties, schema.readOnlyProperties ?? []);
  const identifier = primaryIdentifierOf(schema, named) ?? null;
  refuseConcurrent(cloud, schema.typeName, identifier, ["UPDATE", "DELETE"]);
  return accept(call, "CREATE", "CreateResource", identifier, properties);
}

function getResource({ cloud, input }: Call): JsonObject {
  const schema = schemaFor(input, "read");
  const found = existing(cloud, schema, need(input, "Identifier"));
  const Properties = JSON.stringify(readModel(schema, found.properties));
  return { TypeName: schema.typeName, ResourceDescription: { Identifier: found.identifier, Properties } };
}

async function updateResource(call: Call): Promise<JsonObject> {
  const { cloud, input } = call;
  const schema = schemaFor(input, "update");
  const patch = parse(need(input, "PatchDocument"), "PatchDocument");
  const replayed = replay(call, "UpdateResource");
  if (replayed !== undefined) return replayed;
  const found = existing(cloud, schema, need(input, "Identifier"));
  // A patch is made against what GetResource shows; what is never shown stays as it was unless the patch names it.
  const before = readModel(schema, found.properties);
  const after = applyPatch(before, patch);
  const readOnly = changedAt(before, after, schema.readOnlyProperties ?? []);
  if (readOnly.length > 0)
    throw invalid(`Invalid patch update: readOnlyProperties ${listed(readOnly)} cannot be updated`);
  const hidden = withoutProperties(onlyHidden(schema, found.properties), removedBy(patch));
  refuseInvalid(schema, withoutProperties({ ...hidden, ...after }, schema.readOnlyProperties ?? []));
  const kept = await asTheServiceKeepsIt(schema, { ...hidden, ...after });
  const replacing = changedCreateOnly(found.properties, kept, schema).filter((pointer) =>
    isShown(schema, before, pointer, kept),
  );
  if (replacing.length > 0) {
    const message = `Invalid patch update: createOnlyProperties ${listed(replacing)} cannot be updated`;
    throw new AwsError("NotUpdatableException", message);
  }
  refuseConcurrent(cloud, schema.typeName, found.identifier);
  return accept(call, "UPDATE", "UpdateResource", found.identifier, kept);
}

function deleteResource(call: Call): JsonObject {
  const { cloud, input } = call;
  const { typeName } = schemaFor(input, "delete");
  const identifier = need(input, "Identifier");
  const replayed = replay(call, "DeleteResource");
  if (replayed !== undefined) return replayed;
  refuseConcurrent(cloud, typeName, identifier);
  // That it is not there is for the handler to find out: NotFound comes as a progress event.
  return accept(call, "DELETE", "DeleteResource", identifier, {});
}

function listResources({ cloud, input }: Call): JsonObject {
  const schema = schemaFor(input, "list");
  const filter = input.ResourceModel === undefined ? {} : parseObject(need(input, "ResourceModel"), "ResourceModel");
  const missing = (schema.handlers.list?.handlerSchema?.required ?? []).filter((name) => filter[name] === undefined);
  if (missing.length > 0) {
    const message = `Missing or invalid ResourceModel property in ${schema.typeName} list handler request input. Required property: [${missing.join(", ")}]`;
    throw new AwsError("InvalidRequestException", message);
  }
  const after = input.NextToken === undefined ? "" : decodeToken(need(input, "NextToken"));
  const matching = listObjects(cloud, schema.typeName, after).filter(({ properties }) =>
    Object.entries(filter).every(([name, value]) => JSON.stringify(properties[name]) === JSON.stringify(value)),
  );
  const { items, next } = page(matching, pageSize(input), ({ identifier }) => identifier);
  const shown = [...schema.primaryIdentifier, ...(schema.additionalIdentifiers ?? []).flat()].map(modelPattern);
  const ResourceDescriptions = items.map(({ identifier, properties }) => ({
    Identifier: identifier,
    // A list tells identifiers and little else; the whole model takes GetResource.
    Properties: JSON.stringify(
      Object.fromEntries(Object.entries(properties).filter(([name]) => shown.includes(`/${name}`))),
    ),
  }));
  return { TypeName: schema.typeName, ResourceDescriptions, ...next };
}

function listResourceRequests({ cloud, input }: Call): JsonObject {
  const filter = isObject(input.ResourceRequestStatusFilter) ? input.ResourceRequestStatusFilter : {};
  const wanted = (name: string, value: string) => !Array.isArray(filter[name]) || filter[name].includes(value);
  const after = input.NextToken === undefined ? undefined : decodeToken(need(input, "NextToken"));
  const all = requests
    .listRequests(cloud)
    .filter(({ operation, status }) => wanted("Operations", operation) && wanted("OperationStatuses", status));
  const from = after === undefined ? 0 : all.findIndex(({ token }) => token === after) + 1;
  const { items, next } = page(all.slice(from), pageSize(input), ({ token }) => token);
  return { ResourceRequestStatusSummaries: items.map(requests.progressEvent), ...next };
}

function cancelResourceRequest({ cloud, input }: Call): JsonObject {
  const request = requests.findRequest(cloud, need(input, "RequestToken"));
  if (request.status !== "IN_PROGRESS") {
    const message = `Request ${request.token} has ended as ${request.status} and cannot be cancelled`;
    throw new AwsError("ConcurrentModificationException", message, 500);
  }
  requests.endRequest(cloud, request, { status: "CANCEL_COMPLETE", at: cloud.now() });
  return { ProgressEvent: requests.progressEvent(requests.findRequest(cloud, request.token)) };
}

// --- what the operations share

/** The properties as the service shows them: defaults filled in, nothing write-only. */
export function readModel(schema: AwsSchema, properties: JsonObject): JsonObject {
  return withoutProperties(withDefaults(schema, properties), schema.writeOnlyProperties ?? []);
}

/** The same token again: the first request as it stands now, FAILED included; with another input it is a conflict. */
function replay({ cloud, settings, input }: Call, operation: string): JsonObject | undefined {
  const clientToken = textOf(input.ClientToken);
  const first = clientToken === undefined ? undefined : requests.findByClientToken(cloud, clientToken);
  if (first === undefined) return undefined;
  if (settings.replay === "conflict" || first.inputHash !== requests.hashInput(operation, input)) {
    const message = `The specified client token has already been used in another resource request: ${clientToken}`;
    throw new AwsError("ClientTokenConflictException", message);
  }
  return { ProgressEvent: requests.progressEvent(first) };
}

function accept(
  { cloud, settings, input, handlerFault }: Call,
  operation: requests.MutationKind,
  name: string,
  identifier: string | null,
  properties: JsonObject,
): JsonObject {
  // Asked again here: between the first look and now, the same token may have been accepted on another connection.
  const replayed = replay({ cloud, settings, input, handlerFault }, name);
  if (replayed !== undefined) return replayed;
  const error = handlerFault?.error;
  const planted = error && { code: error.replace(/Exception$/, ""), effect: handlerFault?.when === "after" };
  const wait = handlerFault?.hang === true ? neverMs : settings.provisionSeconds * 1000 + (handlerFault?.delayMs ?? 0);
  const request = requests.acceptRequest(cloud, {
    clientToken: textOf(input.ClientToken) ?? null,
    inputHash: requests.hashInput(name, input),
    operation,
    typeName: need(input, "TypeName"),
    identifier,
    dueAt: cloud.now() + wait,
    work: { properties, ...(planted ? { error: planted } : {}) },
  });
  return { ProgressEvent: requests.progressEvent(request) };
}

/** A handler that hangs is not done in a hundred years. */
const neverMs = 100 * 365 * 86_400_000;

function schemaFor(input: JsonObject, handler: HandlerName): AwsSchema {
  const typeName = need(input, "TypeName");
  const schema = readSchema(typeName);
  if (schema === undefined) throw new AwsError("TypeNotFoundException", `The type '${typeName}' cannot be found.`);
  if (schema.handlers[handler] !== undefined) return schema;
  const message = `Resource type ${typeName} does not support ${handler.toUpperCase()} action`;
  throw new AwsError("UnsupportedActionException", message, 405);
}

function existing(cloud: Cloud, { typeName }: AwsSchema, identifier: string): CloudObject {
  const found = findObject(cloud, typeName, identifier);
  if (found !== undefined) return found;
  const message = `Resource of type '${typeName}' with identifier '${identifier}' was not found.`;
  throw new AwsError("ResourceNotFoundException", message, 404);
}

function refuseInvalid(schema: AwsSchema, properties: JsonObject): void {
  const errors = validateProperties(schema, properties);
  if (errors.length === 0) return;
  const told = errors.map(({ pointer, message }) => `#${pointer}: ${message}`).join(", ");
  throw invalid(`Model validation failed (${told})`);
}

function refuseConcurrent(
  cloud: Cloud,
  typeName: string,
  identifier: string | null,
  kinds: readonly requests.MutationKind[] = ["CREATE", "UPDATE", "DELETE"],
): void {
  const busy = identifier === null ? [] : requests.requestsInFlight(cloud, typeName, identifier);
  const other = busy.find(({ operation }) => kinds.includes(operation));
  if (other === undefined) return;
  const message = `Another resource operation is currently being performed on this resource: request token ${other.token}`;
  throw new AwsError("ConcurrentOperationException", message, 409);
}

/** Top-level properties that GetResource leaves out. */
function onlyHidden(schema: AwsSchema, properties: JsonObject): JsonObject {
  const hidden = (schema.writeOnlyProperties ?? []).flatMap((pattern) => pointersMatching(properties, pattern));
  return Object.fromEntries(Object.entries(properties).filter(([name]) => hidden.includes(`/${name}`)));
}

function removedBy(patch: Json): string[] {
  const steps = Array.isArray(patch) ? patch.filter(isObject) : [];
  return steps.flatMap(({ op, path }) => (op === "remove" && typeof path === "string" ? [path] : []));
}

/** A default that the read model fills in is no change of what the caller left out. */
function isShown(schema: AwsSchema, before: JsonObject, pointer: string, after: JsonObject): boolean {
  return changedAt(before, withDefaults(schema, after), [pointer]).length > 0;
}

function page<T>(all: readonly T[], size: number, token: (item: T) => string) {
  const items = all.slice(0, size);
  const last = items.at(-1);
  const more = all.length > size && last !== undefined;
  return { items, next: more ? { NextToken: Buffer.from(`${tokenMark}${token(last)}`).toString("base64url") } : {} };
}

function pageSize({ MaxResults: given = 20 }: JsonObject): number {
  if (typeof given === "number" && Number.isInteger(given) && given >= 1 && given <= 100) return given;
  throw invalid("1 validation error detected: Value at 'maxResults' must be between 1 and 100");
}

/** What a token begins with once it is decoded, so that one that nobody was given is refused. */
const tokenMark = "after:";

function decodeToken(token: string): string {
  const decoded = Buffer.from(token, "base64url").toString();
  if (decoded.startsWith(tokenMark)) return decoded.slice(tokenMark.length);
  throw new AwsError("InvalidRequestException", "The NextToken provided is not valid");
}

function need(input: JsonObject, name: string): string {
  const value = textOf(input[name]);
  if (value !== undefined) return value;
  throw invalid(
    `1 validation error detected: Value at '${name.charAt(0).toLowerCase()}${name.slice(1)}' must be a non-empty string`,
  );
}

function parseObject(text: string, name: string): JsonObject {
  const value = parse(text, name);
  if (isObject(value)) return value;
  throw new AwsError("InvalidRequestException", `${name} must be a JSON object`);
}

function parse(text: string, name: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new AwsError("InvalidRequestException", `${name} is not valid JSON`);
  }
}

function listed(pointers: readonly string[]): string {
  return `[${pointers.map((pointer) => `/properties${pointer}`).join(", ")}]`;
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
