import { z } from "zod";
import type { Cloud } from "../cloud/open-cloud.ts";

// What a test sets from outside; kept with the cloud, so that it outlives a restart.

const finite = z.number().min(0);

const settingsSchema = z.strictObject({
  /** From accepting a change to its end. */
  provisionSeconds: finite.max(86_400).optional(),
  /** null: no limit. AWS publishes none; about 30 a second has been seen. */
  requestsPerSecond: z.number().positive().nullable().optional(),
  burst: z.number().int().positive().optional(),
  /** What the same token with the same input is answered. Both have been seen from AWS. */
  replay: z.enum(["event", "conflict"]).optional(),
});

export type Settings = {
  provisionSeconds: number;
  requestsPerSecond: number | null;
  burst: number;
  replay: "event" | "conflict";
};

const defaults: Settings = { provisionSeconds: 2, requestsPerSecond: 30, burst: 60, replay: "event" };

const faultSchema = z
  .strictObject({
    operation: z.string().default("*"),
    typeName: z.string().default("*"),
    probability: z.number().min(0).max(1).default(1),
    /** How often it strikes; null: as long as it is set. */
    times: z.number().int().min(0).nullable().default(null),
    when: z.enum(["before", "after"]).default("before"),
    stage: z.enum(["call", "handler"]).default("call"),
    delayMs: finite.default(0),
    error: z.string().min(1).optional(),
    hang: z.boolean().default(false),
    drop: z.boolean().default(false),
  })
  .superRefine((fault, context) => {
    const kinds = Number(fault.error !== undefined) + Number(fault.hang) + Number(fault.drop);
    if (kinds > 1) context.addIssue({ code: "custom", path: ["error"], message: "only one of error, hang and drop" });
    if (kinds === 0 && fault.delayMs === 0)
      context.addIssue({ code: "custom", path: ["error"], message: "one of error, hang, drop or a delayMs is needed" });
    if (fault.stage === "handler" && fault.drop)
      context.addIssue({ code: "custom", path: ["drop"], message: "a handler has no connection to drop" });
  });

export type Fault = z.infer<typeof faultSchema>;

export function readSettings(cloud: Cloud): Settings {
  return { ...defaults, ...(read(cloud, "settings") as Partial<Settings> | undefined) };
}

/** @throws {z.ZodError} naming the field */
export function writeSettings(cloud: Cloud, body: unknown): Settings {
  const given = Object.fromEntries(
    Object.entries(settingsSchema.parse(body)).filter(([, value]) => value !== undefined),
  );
  write(cloud, "settings", { ...readSettings(cloud), ...given });
  return readSettings(cloud);
}

export function readFaults(cloud: Cloud): Fault[] {
  return (read(cloud, "faults") as Fault[] | undefined) ?? [];
}

/** Replaces the list. @throws {z.ZodError} naming the field */
export function writeFaults(cloud: Cloud, body: unknown): Fault[] {
  const list = Array.isArray(body) ? body : z.strictObject({ items: z.array(z.unknown()) }).parse(body).items;
  const faults = z.array(faultSchema).parse(list);
  write(cloud, "faults", faults);
  return faults;
}

/** The first fault that strikes this call, counted; none mostly. */
export function takeFault(cloud: Cloud, operation: string, typeName: string | undefined): Fault | undefined {
  const faults = readFaults(cloud);
  const struck = faults.find(
    (fault) =>
      (fault.operation === "*" || fault.operation === operation) &&
      (fault.typeName === "*" || fault.typeName === typeName) &&
      (fault.stage === "call" || mutations.has(operation)) &&
      fault.times !== 0 &&
      Math.random() < fault.probability,
  );
  if (struck !== undefined && struck.times !== null) {
    struck.times -= 1;
    write(cloud, "faults", faults);
  }
  return struck;
}

const mutations = new Set(["CreateResource", "UpdateResource", "DeleteResource"]);

function read(cloud: Cloud, name: string): unknown {
  const row = cloud.db.prepare("select value from controls where name = ?").get(name);
  return row === undefined ? undefined : JSON.parse(String(row.value));
}

function write(cloud: Cloud, name: string, value: unknown): void {
  cloud.db
    .prepare("insert into controls values (?, ?) on conflict (name) do update set value = excluded.value")
    .run(name, JSON.stringify(value));
}
