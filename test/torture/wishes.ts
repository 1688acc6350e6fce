import type { Json, JsonObject } from "../../core/json.ts";
import type { Random } from "../simulation/random.ts";

/** What a developer asks for under one name, and whose outputs it uses. */
export type Wish = {
  type: TypeName;
  class?: string;
  parameters: JsonObject;
  overrides?: JsonObject;
  uses: string[];
};

export type TypeName = "bucket" | "queue" | "topic" | "redis" | "secret" | "parameter" | "postgres";

export type Ground = {
  random: Random;
  environment: string;
  /** What may be used by reference: earlier names with their types, so that nothing ever needs itself. */
  usable: readonly { name: string; type: TypeName }[];
};

/** The output by which each type is used. */
const output: { readonly [type in TypeName]: string } = {
  bucket: "name",
  queue: "arn",
  topic: "name",
  redis: "host",
  secret: "secretArn",
  parameter: "name",
  postgres: "url",
};

export const typeNames = Object.keys(output) as TypeName[];

/** A wish of this type; where it was there before, another one that AWS can grant without replacing the object. */
export function drawWish(type: TypeName, ground: Ground, before?: Wish): Wish {
  const wish = draws[type](ground, before);
  return ground.environment === "production" && kept.has(type)
    ? { ...wish, parameters: { ...wish.parameters, deletionProtection: false } }
    : wish;
}

/** Protected against deletion in production, unless an apply says otherwise. */
const kept = new Set<TypeName>(["bucket", "queue", "topic", "redis", "secret", "postgres"]);

const draws: { readonly [type in TypeName]: (ground: Ground, before?: Wish) => Wish } = {
  bucket: ({ random }) => ({
    type: "bucket",
    parameters: { expireAfterDays: 1 + random.below(3650) },
    // Taken back when the next wish does not have it.
    ...(random.chance(0.3) ? { overrides: { AccelerateConfiguration: { AccelerationStatus: "Enabled" } } } : {}),
    uses: [],
  }),
  queue: ({ random, usable }) => {
    const queues = usable.filter(({ type }) => type === "queue");
    const parameters = { visibilityTimeoutSeconds: random.below(43_201) };
    if (queues.length === 0 || random.chance(0.6)) return { type: "queue", parameters, uses: [] };
    const { name } = random.pick(queues);
    const deadLetter = { deadLetterTargetArn: reference(name, "queue"), maxReceiveCount: 1 + random.below(1000) };
    return { type: "queue", parameters: { ...parameters, deadLetter }, uses: [name] };
  },
  // Partitions can be added and never removed.
  topic: ({ random }, before) => ({
    type: "topic",
    parameters: { partitions: Number(before?.parameters.partitions ?? 0) + 1 + random.below(3) },
    uses: [],
  }),
  redis: ({ random, environment }) => ({
    type: "redis",
    class: random.pick(classesOf(environment)),
    parameters: { snapshotRetentionDays: 1 + random.below(35) },
    uses: [],
  }),
  secret: ({ random }) => ({ type: "secret", parameters: { description: `key ${random.hex(8)}` }, uses: [] }),
  parameter: ({ random, usable }) => {
    const plain = `value ${random.hex(8)}`;
    if (usable.length === 0 || random.chance(0.3)) {
      return { type: "parameter", parameters: { value: plain }, uses: [] };
    }
    const { name, type } = random.pick(usable);
    return { type: "parameter", parameters: { value: `${plain} of ${reference(name, type)}` }, uses: [name] };
  },
  postgres: ({ random, environment }) =>
    environment === "production"
      ? { type: "postgres", parameters: { backupRetentionDays: 7 + random.below(29) }, uses: [] }
      : { type: "postgres", class: random.pick(classesOf(environment)), parameters: {}, uses: [] },
};

function reference(name: string, type: TypeName): string {
  return `\${resources.${name}.outputs.${output[type]}}`;
}

function classesOf(environment: string): string[] {
  return environment === "development" ? ["small", "medium"] : ["small", "medium", "large"];
}

/** What Cairn's API takes. */
export function requestOf({ type, class: size, parameters, overrides }: Wish): JsonObject {
  return { type, parameters, ...(size === undefined ? {} : { class: size }), ...(overrides ? { overrides } : {}) };
}

/**
 * What an object that was made for a wish shows, by pointer; null where there must be nothing. The golden paths once more, by
 * hand: the harness does not ask the product what is right.
 *
 * @param outputs of what the wish uses, by name
 */
export function shownBy(wish: Wish, environment: string, outputs: { [name: string]: JsonObject }): JsonObject {
  const { parameters, overrides, class: size = "small" } = wish;
  const filledIn = (text: Json | undefined) =>
    String(text).replace(/\$\{resources\.([^.]+)\.outputs\.([^}]+)\}/g, (_, name, key) =>
      String(outputs[name]?.[key] ?? "nothing"),
    );
  switch (wish.type) {
    case "bucket":
      return {
        "/LifecycleConfiguration/Rules/0/ExpirationInDays": parameters.expireAfterDays ?? null,
        "/AccelerateConfiguration/AccelerationStatus": overrides === undefined ? null : "Enabled",
      };
    case "queue": {
      const { deadLetter } = parameters as { deadLetter?: JsonObject };
      return {
        "/VisibilityTimeout": parameters.visibilityTimeoutSeconds ?? null,
        "/RedrivePolicy/deadLetterTargetArn": deadLetter ? filledIn(deadLetter.deadLetterTargetArn) : null,
        "/RedrivePolicy/maxReceiveCount": deadLetter?.maxReceiveCount ?? null,
      };
    }
    case "topic":
      return { "/PartitionCount": parameters.partitions ?? null };
    case "redis":
      return {
        "/CacheUsageLimits/ECPUPerSecond/Maximum": { small: 5000, medium: 20_000, large: 100_000 }[size] ?? null,
        "/SnapshotRetentionLimit": parameters.snapshotRetentionDays ?? null,
      };
    case "secret":
      return { "/Description": parameters.description ?? null };
    case "parameter":
      return { "/Value": filledIn(parameters.value) };
    case "postgres":
      return environment === "production"
        ? { "/BackupRetentionPeriod": parameters.backupRetentionDays ?? null }
        : { "/ConnectionLimit": { small: 20, medium: 50, large: 100 }[size] ?? null };
  }
}

/** A change that somebody makes to the object behind Cairn's back; null where nothing of it is watched here. */
export function tampering(type: TypeName, environment: string, random: Random): { path: string; value: Json } | null {
  switch (type) {
    case "queue":
      return { path: "/VisibilityTimeout", value: random.below(43_201) };
    case "redis":
      return { path: "/SnapshotRetentionLimit", value: 1 + random.below(35) };
    case "secret":
      return { path: "/Description", value: "changed by hand" };
    case "parameter":
      return { path: "/Value", value: "changed by hand" };
    case "postgres":
      return environment === "production" ? { path: "/BackupRetentionPeriod", value: 1 + random.below(35) } : null;
    default:
      return null;
  }
}
