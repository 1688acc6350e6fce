import type { AwsSchema } from "../../aws-schemas/aws-schema.ts";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import type { Variant } from "../golden-path-data.ts";
import { borrowed } from "./borrowed.ts";
import { type Grant, mergeGrants, type Place } from "./grant.ts";
import { arnsAt, type IamAction, readAction } from "./iam-action.ts";
import { holdsData, leftOut } from "./left-out.ts";

// What a target's role may do, from two sources that AWS keeps: its resource schemas say which actions each operation of a
// kind needs, its service authorization reference says on what each action acts and what a condition can ask. A new
// golden path is granted what it needs without a line here.

/** What a resource type's handlers ask for, read once; it is granted at each target. */
export type Kind = {
  service: string;
  /** IAM's name for the kind's own objects. */
  own: string;
  /** IAM can ask an object for its tags. */
  tagged: boolean;
  /** How its derived names look, with IAM's wildcards. */
  names: string[];
  actions: IamAction[];
  /** Those that its handlers ask for to change an object, and to look at one. */
  asked: { [use in "change" | "look"]: ReadonlySet<string> };
  /** Those its list handler asks for, if it is ever listed. */
  lists: readonly string[];
};

export async function deriveKinds(variants: readonly Variant[]): Promise<Kind[]> {
  const byKind = Map.groupBy(
    variants.filter(({ provider }) => provider === "aws"),
    ({ kind }) => kind,
  );
  const kinds = Array.from(byKind, async ([name, ofKind]) => {
    const schema = readSchema(name);
    if (schema === undefined) throw new Error(`golden-paths: AWS publishes no schema of ${name}`);
    return readKind(schema, ofKind);
  });
  return Promise.all(kinds);
}

/** The kinds' permissions at one place. */
export function grantsAt(kinds: readonly Kind[], place: Place, use: "change" | "look"): Grant[] {
  // Whoever changes an object knows which: it is looked for before.
  const asking = kinds.map((kind) => ({
    ...kind,
    actions: kind.actions.filter(({ name }) => kind.asked[use].has(name)),
    lists: use === "look" ? kind.lists : [],
  }));
  return mergeGrants(asking.flatMap((kind) => kind.actions.flatMap((action) => grantsOf(action, kind, asking, place))));
}

async function readKind(schema: AwsSchema, variants: readonly Variant[]): Promise<Kind> {
  const names = [...new Set(variants.map((variant) => derivedNames(variant.name)))];
  const { list, ...handlers } = schema.handlers;
  const lists = variants.every((variant) => isFoundByName(schema, variant)) ? [] : (list?.permissions ?? []);
  const named = Object.values(handlers).flatMap(({ permissions = [] }) => permissions);
  const asked = {
    change: new Set([...named, ...(schema.tagging?.permissions ?? [])]),
    look: new Set([...(handlers.read?.permissions ?? []), ...lists]),
  };
  const wanted = [...new Set([...asked.change, ...asked.look])].filter(
    (name) => !leftOut.some(({ actions }) => actions.test(name)),
  );
  const actions = (await Promise.all(wanted.map(readAction))).filter((action) => action !== null);

  // The kind's own resource type is what its delete handler deletes: a bucket, a queue, a database instance.
  const deletes = (schema.handlers.delete?.permissions ?? []).filter((name) => /:Delete/.test(name));
  const deleted = actions.find(({ name }) => deletes.includes(name));
  const own = deleted?.resourceTypes.find(({ required }) => required);
  if (deleted === undefined || own === undefined)
    throw new Error(`${schema.typeName}: no action of its delete handler says what it acts on`);
  // S3 looks at a bucket's tags only where somebody has turned that on for the bucket.
  const tagged = own.tagged && schema.tagging?.taggable !== false && deleted.service !== "s3";
  return { service: deleted.service, own: own.name, tagged, names, actions, asked, lists };
}

/**
 * `{service}-{name}-{8 characters}` (core/names.ts). Where names are so short that a service's 40 characters may fill all that
 * is left beside the eight, the second part may be cut off.
 */
function derivedNames({ separator, maxLength }: Variant["name"]): string {
  const readable = maxLength - 8 - separator.length;
  return separator !== "" && readable > 41 ? `*${separator}*${separator}????????` : `*${separator}????????`;
}

/** Then nobody lists the kind (providers/aws/find-object.ts): what a template fills in is all of the object's identifier. */
function isFoundByName(
  { primaryIdentifier, readOnlyProperties = [] }: AwsSchema,
  { name, properties }: Variant,
): boolean {
  return primaryIdentifier.every((pointer) => {
    const property = pointer.replace("/properties/", "");
    return !readOnlyProperties.includes(pointer) && (property === name.property || Object.hasOwn(properties, property));
  });
}

function grantsOf(action: IamAction, kind: Kind, kinds: readonly Kind[], place: Place): Grant[] {
  const { name, resourceTypes } = action;
  if (resourceTypes.length === 0)
    return [{ actions: [name], resources: ["*"], reason: "AWS takes no narrower resource for these actions" }];
  const own = resourceTypes.find((type) => type.name === kind.own && action.service === kind.service);
  if (own === undefined) return borrowed(action, kind, kinds, place);
  return [...onOwn(action, own, kind, place), ...onOthers(action, kind, place)];
}

const ownerTag = "cairn:resource-id";
const bearsMark = { StringLike: { [`aws:ResourceTag/${ownerTag}`]: "?*" } };
const givesMark = { StringLike: { [`aws:RequestTag/${ownerTag}`]: "?*" } };

/** On the kind's own objects: those whose name is a derived one, and, to change one, those that bear Cairn's mark. */
function onOwn(action: IamAction, own: { arn: string }, kind: Kind, place: Place): Grant[] {
  const actions = [action.name];
  if (action.level === "List" && kind.lists.includes(action.name))
    return [{ actions, resources: arnsAt(own, place, "*"), reason: "a list is asked for without a name" }];
  const arns = (names: string[]) => names.flatMap((name) => arnsAt(own, place, name));
  // Secrets Manager puts six characters of its own behind a secret's name, once it is there. The bare name would then fit a
  // stranger's that ends in `-` and one character, so it is for what makes a secret, and for a look at one that is not there.
  const made = kind.service === "secretsmanager" ? kind.names.map((name) => `${name}-??????`) : kind.names;
  const resources = arns([...new Set([...kind.names, ...made])]);
  const named = "any service's and resource's name, then eight characters of Cairn's";
  if (!kind.tagged) return [{ actions, resources, reason: `${named}; IAM sees no tags of this kind` }];
  // A look shows what lost its mark, and what was never ours, for what it is. A secret's value is not for looking at.
  if (action.level !== "Write" && !/Secret\w*Value$/.test(action.name))
    return [{ actions, resources, reason: `${named}, with Cairn's mark or without` }];
  const reason = `${named}, on what bears Cairn's mark`;
  const grants: Grant[] = [{ actions, resources: arns(made), conditions: bearsMark, reason }];
  // What makes an object, or tags it in the making: it bears nothing yet, and the request has to give it the mark.
  if (action.requestTags && !/:(Untag|Remove)/.test(action.name))
    grants.push({ actions, resources, conditions: givesMark, reason });
  return grants;
}

/** On what the kind's objects are made with: a subnet group, a parameter group. */
function onOthers({ name, level, tagging, resourceTypes }: IamAction, kind: Kind, place: Place): Grant[] {
  if (tagging) return [];
  const others = resourceTypes.filter(
    (type) => type.name !== kind.own && (type.required || (level === "Write" && !holdsData.test(type.name))),
  );
  const resources = others.flatMap((type) => arnsAt(type, place, "*"));
  if (resources.length === 0) return [];
  return [{ actions: [name], resources, reason: "what an object is made with, or leaves behind, has any name" }];
}
