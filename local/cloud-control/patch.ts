import { AwsError } from "../cloud/aws-error.ts";
import { canonicalText, isObject, type Json, type JsonObject } from "../cloud/json.ts";

/**
 * RFC 6902 on a copy of the model.
 *
 * @throws {AwsError} ValidationException where the patch is malformed or does not fit the model
 */
export function applyPatch(model: JsonObject, patch: Json): JsonObject {
  if (!Array.isArray(patch)) throw invalid("the patch document must be a list of operations");
  const root: { model: Json } = { model: structuredClone(model) };
  for (const step of patch) applyStep(root, step);
  if (!isObject(root.model)) throw invalid("the patch leaves no object");
  return root.model;
}

function applyStep(root: { model: Json }, step: Json): void {
  if (!isObject(step) || typeof step.op !== "string" || typeof step.path !== "string") {
    throw invalid("each operation of the patch needs an op and a path");
  }
  const { op, path } = step;
  if (op === "test") {
    if (canonicalText(get(root, path)) !== canonicalText(valueIn(step))) throw invalid(`test failed at [${path}]`);
  } else if (op === "add") put(root, path, structuredClone(valueIn(step)), "insert");
  else if (op === "replace") {
    get(root, path);
    put(root, path, structuredClone(valueIn(step)), "set");
  } else if (op === "remove") take(root, path);
  else if (op === "copy") put(root, path, structuredClone(get(root, fromOf(step))), "insert");
  else if (op === "move") put(root, path, take(root, fromOf(step)), "insert");
  else throw invalid(`[${op}] is no operation of a JSON patch`);
}

type Place = { parent: JsonObject | Json[]; member: string };

function placeOf(root: { model: Json }, path: string): Place {
  if (path !== "" && !path.startsWith("/")) throw invalid(`[${path}] is no JSON pointer`);
  let place: Place = { parent: root as JsonObject, member: "model" };
  for (const part of path.split("/").slice(1)) {
    const next = memberOf(place, path);
    if (!Array.isArray(next) && !isObject(next)) throw missing(path);
    place = { parent: next, member: part.replaceAll("~1", "/").replaceAll("~0", "~") };
  }
  return place;
}

function memberOf({ parent, member }: Place, path: string): Json {
  const found = Array.isArray(parent)
    ? /^\d+$/.test(member) && parent[Number(member)]
    : Object.hasOwn(parent, member) && parent[member];
  const there = Array.isArray(parent)
    ? /^\d+$/.test(member) && Number(member) < parent.length
    : Object.hasOwn(parent, member);
  if (!there || found === undefined) throw missing(path);
  return found;
}

function get(root: { model: Json }, path: string): Json {
  return memberOf(placeOf(root, path), path);
}

function put(root: { model: Json }, path: string, value: Json, how: "insert" | "set"): void {
  const { parent, member } = placeOf(root, path);
  if (!Array.isArray(parent)) {
    Object.defineProperty(parent, member, { value, writable: true, enumerable: true, configurable: true });
    return;
  }
  const index = member === "-" ? parent.length : Number(member);
  if (!Number.isInteger(index) || index < 0 || index > parent.length) throw missing(path);
  parent.splice(index, how === "set" ? 1 : 0, value);
}

function take(root: { model: Json }, path: string): Json {
  const place = placeOf(root, path);
  const taken = memberOf(place, path);
  if (Array.isArray(place.parent)) place.parent.splice(Number(place.member), 1);
  else delete place.parent[place.member];
  return taken;
}

function valueIn(step: JsonObject): Json {
  if (step.value === undefined) throw invalid(`the operation at [${step.path}] needs a value`);
  return step.value;
}

function fromOf(step: JsonObject): string {
  if (typeof step.from !== "string") throw invalid(`the operation at [${step.path}] needs a from`);
  return step.from;
}

function missing(path: string): AwsError {
  return invalid(`Invalid patch: [${path}] does not exist in the resource's model`);
}

function invalid(message: string): AwsError {
  return new AwsError("ValidationException", message);
}
