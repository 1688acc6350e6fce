import { ListResourcesCommand, type ResourceDescription } from "@aws-sdk/client-cloudcontrol";
import { modelPattern, withoutProperties } from "../../aws-schemas/pointers.ts";
import { primaryIdentifierOf } from "../../aws-schemas/resource-model.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { ask } from "../ask.ts";
import { failure } from "./failures.ts";
import type { FoundObject, Look, Sight } from "./look.ts";
import { isNotFound, readObject, readOurs, unclear } from "./read-object.ts";
import { ownerIn, ownerOf, ownerTag } from "./tags.ts";

/** A page holds up to 100; an account with more objects of a type than this is looked through by a person. */
const pagesAtMost = 20;
/** Objects whose listing says nothing about them are read one by one. */
const readsAtMost = 40;

/**
 * Looks for the object of this resource whose identifier is not recorded: by the identifier where the wanted properties
 * make it, otherwise through the list of the type, by derived name and owner tag (law F2).
 */
export async function findObject(look: Look): Promise<Sight> {
  const identifier = identifierFrom(look);
  return identifier === null ? findInList(look) : readOurs(look, identifier);
}

/** null where AWS makes a part of it: a read-only property in `desired` would be no more than a wish. */
export function identifierFrom({ schema, call }: Look): string | null {
  return primaryIdentifierOf(schema, withoutProperties(call.desired, schema.readOnlyProperties ?? [])) ?? null;
}

async function findInList(look: Look): Promise<Sight> {
  const listed = await list(look);
  if ("sight" in listed) return listed;

  const silent: string[] = [];
  let reads = 0;
  for (const { Identifier: identifier = "", Properties } of listed.items) {
    const told = recognize(look, identifier, JSON.parse(Properties ?? "{}") as JsonObject);
    if (told === "silent") silent.push(identifier);
    if (told !== "candidate") continue;
    reads += 1;
    const found = await readIfOurs(look, identifier);
    if (found.sight !== "nothing") return found;
  }
  for (const identifier of silent) {
    if (reads >= readsAtMost) return tooMany(look);
    reads += 1;
    if (reads > 1) look.beyond += 1;
    const read = await readObject(look, identifier);
    if (read.sight === "unclear") return read;
    if (read.sight === "nothing") continue;
    if (isOurs(look, read.object)) return read;
    // This type's identifiers hold the object's name, and none of them holds ours.
    if (bearsItsName(look, read.object)) break;
  }
  return listed.complete ? { sight: "nothing" } : tooMany(look);
}

async function list(look: Look): Promise<{ items: ResourceDescription[]; complete: boolean } | Sight> {
  const { client, call } = look;
  const filter = listFilter(look);
  const items: ResourceDescription[] = [];
  let next: string | undefined;
  for (let page = 0; page < pagesAtMost; page += 1) {
    const command = new ListResourcesCommand({
      TypeName: call.kind,
      MaxResults: 100,
      ...(next === undefined ? {} : { NextToken: next }),
      ...(filter === null ? {} : { ResourceModel: JSON.stringify(filter) }),
    });
    if (page > 0) look.beyond += 1;
    const answer = await ask(client.send(command, { abortSignal: call.signal }));
    if (!answer.ok) {
      // The parent is gone, and with it all that it held.
      return isNotFound(answer.error) ? { items: [], complete: true } : unclear(look, answer.error);
    }
    items.push(...(answer.output.ResourceDescriptions ?? []));
    next = answer.output.NextToken;
    if (next === undefined) return { items, complete: true };
  }
  return { items, complete: false };
}

/** What the list handler requires; else the parents by which the type is named a second time (a topic's cluster). */
function listFilter({ schema, call }: Look): JsonObject | null {
  const required = schema.handlers.list?.handlerSchema?.required;
  const names = required ?? (schema.additionalIdentifiers ?? []).flat().map((path) => modelPattern(path).slice(1));
  const own = nameProperty(call.desired, call.externalName);
  const known = names.filter((name) => name !== own && call.desired[name] !== undefined);
  return known.length === 0 ? null : Object.fromEntries(known.map((name) => [name, call.desired[name] as Json]));
}

/** What the list alone tells: that it is another's, that it may be ours, or nothing. */
function recognize(look: Look, identifier: string, listed: JsonObject): "other" | "candidate" | "silent" {
  const { call, schema } = look;
  const name = nameProperty(call.desired, call.externalName);
  const listedName = name === null ? undefined : listed[name];
  if (listedName !== undefined) return listedName === call.externalName ? "candidate" : "other";
  if (ownerIn(schema, listed) !== null) {
    return ownerOf(schema, call.desired, listed) === "ours" ? "candidate" : "other";
  }
  return holdsName(identifier, call.externalName) ? "candidate" : "silent";
}

async function readIfOurs(look: Look, identifier: string): Promise<Sight> {
  const read = await readObject(look, identifier);
  if (read.sight === "nothing") return contradiction(look);
  if (read.sight === "unclear" || isOurs(look, read.object)) return read;
  const name = nameProperty(look.call.desired, look.call.externalName);
  const sameName = name !== null && read.object.actual[name] === look.call.externalName;
  return sameName ? readOurs(look, identifier) : { sight: "nothing" };
}

function isOurs({ call, schema }: Look, { actual }: FoundObject): boolean {
  const name = nameProperty(call.desired, call.externalName);
  const named = name === null || actual[name] === call.externalName;
  // Without a name of ours only the tag proves anything.
  return (
    named && (name !== null || ownerIn(schema, actual) !== null) && ownerOf(schema, call.desired, actual) === "ours"
  );
}

function nameProperty(desired: JsonObject, externalName: string): string | null {
  return Object.entries(desired).find(([, value]) => value === externalName)?.[0] ?? null;
}

function bearsItsName(look: Look, { identifier, actual }: FoundObject): boolean {
  const name = nameProperty(look.call.desired, look.call.externalName);
  const value = name === null ? undefined : actual[name];
  return typeof value === "string" && value !== "" && holdsName(identifier, value);
}

/**
 * Between the separators of an ARN or a URL, whatever separators the name itself has (`prod/db`); Secrets Manager adds `-` and six
 * characters to it.
 */
function holdsName(identifier: string, name: string): boolean {
  const ends = /^(?:-[A-Za-z0-9]{6})?(?:[/:|]|$)/;
  for (let at = identifier.indexOf(name); at >= 0; at = identifier.indexOf(name, at + 1)) {
    const begins = at === 0 || "/:|".includes(identifier[at - 1] ?? "");
    if (begins && ends.test(identifier.slice(at + name.length))) return true;
  }
  return false;
}

/** One of the two reads is stale, or AWS denies what exists (law F15): neither proves that it is gone. */
function contradiction({ call }: Look): Sight {
  const message = "AWS lists it and does not find it; it is looked at again";
  return {
    sight: "unclear",
    failure: { ...failure(call.kind, "LISTED_AND_NOT_FOUND", message, true), answered: true },
    retryAfterSeconds: null,
  };
}

function tooMany({ call }: Look): Sight {
  const message = `the target holds too many objects of this type to look through for one named ${call.externalName}, and it is not created blindly; the platform team can find it by the tag ${ownerTag} = ${call.resourceId}`;
  return {
    sight: "unclear",
    failure: failure(call.kind, "LOOKUP_INCOMPLETE", message, false),
    retryAfterSeconds: null,
  };
}
