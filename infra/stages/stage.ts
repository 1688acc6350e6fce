import { z } from "zod";
import { closed } from "./closed.ts";
import { domainSchema } from "./domain.ts";
import { machineCallersSchema } from "./machine-caller.ts";
import { accountId, name, regionName } from "./names.ts";
import { mayNotSleep, storeSchema } from "./store.ts";
import { targetsSchema } from "./target.ts";
import { tokensSchema } from "./tokens.ts";
import { unusable } from "./unusable-stage.ts";
import { wordFault } from "./word-fault.ts";

/** CloudWatch takes these and no others. */
const logDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 3653] as const;

const stageSchema = closed({
  /** Part of every fixed name: two stages live side by side in one account. `…-new-…` are another one's secrets in rotation. */
  name: name.refine(
    (text) => !text.endsWith("-new"),
    "must not end in -new, as another stage's secrets do in rotation",
  ),
  /** Cairn's own account. When it is named, nobody deploys into another one by mistake; targets elsewhere trust it. */
  account: accountId.nullable(),
  region: regionName,
  tokens: tokensSchema,
  machineCallers: machineCallersSchema,
  /** A name of your own for the API that people call; null: API Gateway's. */
  domain: domainSchema.nullable(),
  /** What API Gateway lets through to each of the two APIs; the rest is 429. */
  requests: closed({ perSecond: z.int().min(1).max(10_000), burst: z.int().min(1).max(5_000) }),
  store: storeSchema,
  schedules: closed({
    /** How often what lost its execution is looked for: law I3's period. */
    sweepMinutes: z.int().min(1).max(1440),
    /** How often resources whose look is due are looked for. */
    driftMinutes: z.int().min(1).max(1440),
  }),
  /** How often each READY resource is looked at. */
  driftIntervalSeconds: z.int().min(300),
  /**
   * Whether functions keep their part of the account's concurrency (functions/manifest.ts). A new account's quota is 10
   * executions at once, of which Lambda lets nothing be reserved: raise it to 1,000, then say true.
   */
  reserveConcurrency: z.boolean(),
  /** How long logs are kept. */
  logDays: z.literal([...logDays], { error: `must be one of ${logDays.join(", ")}` }),
  /** How long a database role's password lives. */
  rotationDays: z.int().min(1).max(365),
  /** Who gets mail when an alarm rings; each address has to confirm once. */
  alarmAddresses: z.array(z.email({ error: "must be an email address" })),
  /** Where the runbook is read, without a fragment: each alarm links to its page. A URL if mails should have one. */
  runbook: z.string().regex(/^[^#\s]+$/, "must be a path or a URL without a fragment"),
  /** Where Cairn may provision, each with a stack of its own in its account and region. */
  targets: targetsSchema,
}).check(mayNotSleep, certificateIsHere, accountIsNamed, driftIsSlowEnough);

/** What differs from one deployment of Cairn to the next. */
export type Stage = z.infer<typeof stageSchema>;

/** @throws {UnusableStage} naming the file, the key and what is allowed */
export function parseStage(file: string, value: unknown): Stage {
  const parsed = stageSchema.safeParse(value, { error: wordFault });
  if (parsed.success) return parsed.data;
  throw unusable(
    file,
    parsed.error.issues.map(({ path, message }) => {
      const missing = valueAt(value, path) === undefined && !message.startsWith("is missing");
      return `${path.join(".") || "(the whole)"}: ${missing ? "is missing; " : ""}${message}`;
    }),
  );
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((part, key) => (part as { [key: PropertyKey]: unknown } | undefined)?.[key], value);
}

type Check = z.core.ParsePayload<Stage>;

function certificateIsHere({ value: { domain, region }, issues }: Check): void {
  if (domain === null || domain.certificateArn.split(":")[3] === region) return;
  issues.push({
    code: "custom",
    path: ["domain", "certificateArn"],
    input: domain.certificateArn,
    message: `must be a certificate in ${region}, where the API is`,
  });
}

function accountIsNamed({ value: { account, targets }, issues }: Check): void {
  if (account !== null || targets.length === 0) return;
  issues.push({
    code: "custom",
    path: ["account"],
    input: account,
    message: "must be Cairn's account id, because the targets' roles have to trust it",
  });
}

function driftIsSlowEnough({ value: { schedules, driftIntervalSeconds }, issues }: Check): void {
  if (schedules.driftMinutes * 60 <= driftIntervalSeconds) return;
  issues.push({
    code: "custom",
    path: ["schedules", "driftMinutes"],
    input: schedules.driftMinutes,
    message: `must not be above ${driftIntervalSeconds / 60}, or resources are looked at less often than driftIntervalSeconds says`,
  });
}
