import { fileURLToPath } from "node:url";
import { type FunctionName, functions, machines } from "../../functions/manifest.ts";
import { functionName, targetRole, targetUses } from "../../infra/fixed-names.ts";
import { goldenPathVariants } from "../../infra/golden-path-data.ts";
import { deriveKinds, grantsAt } from "../../infra/target-permissions/derive-grants.ts";
import { readAction } from "../../infra/target-permissions/iam-action.ts";
import { leftOut } from "../../infra/target-permissions/left-out.ts";
import { locateGrants } from "../../infra/target-permissions/provider-calls.ts";
import { synthesize } from "../infra/synthesize.ts";
import { behind, handlerNeed } from "./asked.ts";
import type { FullRun } from "./full-run.ts";
import type { Deeds, Evidence } from "./judge.ts";
import { account, localStage, region } from "./local-stage.ts";
import { reasons } from "./reasons.ts";
import { type Role, reader, rolesOf, type TemplateJson } from "./roles.ts";

/** The run's calls beside the roles of the templates, with the run's own ARNs in the place of what only a deployment knows. */
export async function measure(run: FullRun): Promise<Evidence & { label: (resource: string) => string }> {
  const { store, control, targets } = synthesize(localStage);
  const [storeJson, controlJson, targetJson] = [store, control, ...targets].map((one) => one.toJSON() as TemplateJson);
  if (storeJson === undefined || controlJson === undefined || targetJson === undefined) throw new Error("no templates");
  const read = reader({ account, region }, [storeJson, controlJson, targetJson]);
  const here = meanings(controlJson, targetJson, run, read);
  const roles = [controlJson, targetJson].flatMap((template) => rolesOf(template, (value) => here(read(value))));
  const keyOf = keys(storeJson, run, read);
  const deeds = new Map<string, Deeds>();
  for (const call of run.heard) {
    const name = roleBehind(call.caller);
    if (name === null) continue;
    const { calls, needs } = deeds.get(name) ?? { calls: [], needs: [] };
    const need = handlerNeed(call);
    const context = { "aws:RequestedRegion": region, "aws:PrincipalArn": principal(name) };
    const all = [call, ...behind(call, region, keyOf)];
    deeds.set(name, {
      calls: [...calls, ...all.map((one) => ({ ...one, context: { ...context, ...one.context } }))],
      needs: need === null ? needs : [...needs, need],
    });
  }
  const { neverGranted, takesResources } = await reference(roles, deeds);
  return { roles, deeds, forHandlers: await derived(run), neverGranted, takesResources, reasons, label: labels(run) };
}

/** A resource in words where it is this machine's, and else without the account and region that every stage has its own of. */
function labels({ environment, tenants }: FullRun): (resource: string) => string {
  const known = new Map(
    Object.entries(environment).map(([name, value]) => [
      value,
      name === "CAIRN_STORE_ARN"
        ? "the store"
        : `the secret of ${name.replace("CAIRN_STORE_SECRET_", "").toLowerCase()}`,
    ]),
  );
  known.set(tenants.adminSecretArn, "the shared cluster's secret");
  const ofRole = /:role\/cairn-local-target-([\w-]+)$/;
  return (resource) => {
    if (known.has(resource)) return known.get(resource) as string;
    if (/^\{StoreKey/.test(resource)) return "the store's key";
    if (/^arn:aws:execute-api:/.test(resource)) return "the API for machines";
    if (/^\{\w+Logs\w+\.Arn\}$/.test(resource)) return "its own log group";
    if (/function:([\w-]+)/.test(resource)) return resource.replace(/.*function:([\w-]+).*/, "$1");
    const machine = environment.CAIRN_MACHINE_ARN_PREFIX ?? "";
    if (resource.startsWith(machine)) return `the machine ${resource.slice(machine.length)}`;
    if (ofRole.test(resource)) return `the role of target ${ofRole.exec(resource)?.[1]}`;
    return `\`${resource
      .replace(/^arn:aws:/, "")
      .replace(`:${region}:${account}:`, ":")
      .replace(`::${account}:`, ":")}\``;
  };
}

/** Who may have called: people and what prepares this machine have no role here. */
function roleBehind(caller: string): string | null {
  const name = caller.replace(/^local-/, "");
  if (caller !== name && Object.hasOwn(functions, name)) return name;
  const machine = /:role\/(\w+)$/.exec(caller)?.[1] ?? "";
  if (Object.hasOwn(machines, machine)) return `the machine ${machine}`;
  for (const target of localStage.targets) {
    for (const use of targetUses)
      if (caller.endsWith(`:role/${targetRole(localStage, target, use)}`))
        return `target ${target.name}${use === "change" ? "" : `-${use}`}`;
  }
  if (caller === "events.amazonaws.com") return "the rule of drift";
  if (["local", "any"].includes(caller)) return null;
  throw new Error(`who is ${caller}?`);
}

function principal(name: string): string {
  return Object.hasOwn(functions, name)
    ? `arn:aws:iam::${account}:role/${functionName(localStage, name as FunctionName)}`
    : name;
}

/** What stands in a template for something that this machine has: by functions' environments, and by names. */
function meanings(
  { Resources: control }: TemplateJson,
  { Resources: target }: TemplateJson,
  run: FullRun,
  read: (value: unknown) => string,
): (text: string) => string {
  const said = new Map<string, string>();
  const prefix = run.environment.CAIRN_MACHINE_ARN_PREFIX;
  for (const [id, { Type, Properties = {} }] of Object.entries(control)) {
    const { FunctionName: name, StateMachineName: machine } = Properties;
    if (Type === "AWS::StepFunctions::StateMachine")
      said.set(`{${id}}`, `${prefix}${String(machine).replace(/^cairn-local-/, "")}`);
    if (Type !== "AWS::Lambda::Function") continue;
    const ownName = String(name).replace(/^cairn-local-/, "");
    said.set(`{${id}.Arn}`, `arn:aws:lambda:${region}:${account}:function:${ownName}`);
    const { Variables = {} } = (Properties.Environment ?? {}) as { Variables?: { [name: string]: unknown } };
    for (const [variable, value] of Object.entries(Variables)) {
      const known = run.environment[variable];
      if (known?.startsWith("arn:")) said.set(read(value), known);
    }
  }
  for (const [id, { Type }] of Object.entries(target)) {
    if (Type !== "AWS::RDS::DBCluster") continue;
    said.set(`{${id}.DBClusterArn}`, run.tenants.clusterArn);
    said.set(`{${id}.MasterUserSecret.SecretArn}`, run.tenants.adminSecretArn);
  }
  return (text) => {
    const known = [...said].find(([written]) => text.startsWith(written));
    return known === undefined ? text : known[1] + text.slice(known[0].length);
  };
}

/** The key that a secret of the store lies under, or one under which a login is tried; every other has AWS's own. */
function keys(
  { Resources }: TemplateJson,
  { environment }: FullRun,
  read: (value: unknown) => string,
): (secret: string) => string | null {
  const made = Object.values(Resources).filter(({ Type }) => Type === "AWS::SecretsManager::Secret");
  const [key, ...others] = new Set(made.map(({ Properties = {} }) => read(Properties.KmsKeyId)));
  if (key === undefined || others.length > 0) throw new Error("the store's secrets lie under one key");
  const ofStore = new Set(Object.entries(environment).flatMap(([name, arn]) => (/_SECRET_/.test(name) ? [arn] : [])));
  return (secret) => (ofStore.has(secret) || secret.includes(":secret:cairn-local-new-") ? key : null);
}

async function derived({ tenants }: FullRun): Promise<Evidence["forHandlers"]> {
  const [{ values } = { values: {} }] = localStage.targets;
  const kinds = await deriveKinds(goldenPathVariants(fileURLToPath(new URL("../..", import.meta.url))));
  const place = { partition: "aws", account, region, values };
  const grants = [
    ...grantsAt(kinds, place, "change"),
    ...grantsAt(kinds, place, "look"),
    ...locateGrants(tenants.clusterArn),
  ];
  return (action, resource) =>
    grants.some(({ actions, resources }) => actions.includes(action) && resources.includes(resource));
}

/** What AWS's service authorization reference says of every action that is granted or asked for. */
async function reference(
  roles: readonly Role[],
  deeds: ReadonlyMap<string, Deeds>,
): Promise<Pick<Evidence, "neverGranted" | "takesResources">> {
  const granted = roles.flatMap(({ statements }) => statements.flatMap(({ actions }) => actions));
  const asked = [...deeds.values()].flatMap(({ needs }) => needs.flatMap(({ actions }) => actions));
  const names = [...new Set([...granted, ...asked])];
  const known = new Map(await Promise.all(names.map(async (name) => [name, await readAction(name)] as const)));
  return {
    neverGranted: (action) => known.get(action) === null || leftOut.some(({ actions }) => actions.test(action)),
    takesResources: (action) => (known.get(action)?.resourceTypes.length ?? 1) > 0,
  };
}
