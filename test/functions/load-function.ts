import { fileURLToPath } from "node:url";
import { vi } from "vitest";
import { type FunctionName, functions, type StoreRole } from "../../functions/manifest.ts";

export type Handler = (event: unknown, context: object) => Promise<unknown>;

/** No function under test may reach anything: what it would call is a port where nobody listens. */
const nowhere = "http://127.0.0.1:1";

type Without = { secret?: StoreRole; machines?: true };

export async function loadFunction(name: FunctionName, without: Without = {}): Promise<Handler> {
  const { handler } = (await loadModule(name, without)) as { handler?: Handler };
  if (typeof handler !== "function") throw new Error(`${functions[name].entry} exports no handler`);
  return handler;
}

/** Loads a function's module afresh, in the environment that the manifest gives it, as a new sandbox would. */
export async function loadModule(name: FunctionName, without: Without = {}): Promise<object> {
  const { entry, storeRoles, starts } = functions[name];
  const variables = {
    AWS_REGION: "eu-central-1",
    AWS_ACCESS_KEY_ID: "test",
    AWS_SECRET_ACCESS_KEY: "test",
    AWS_ENDPOINT_URL: nowhere,
    CAIRN_STAGE: "test",
    CAIRN_STORE_ARN: "arn:aws:rds:eu-central-1:000000000000:cluster:cairn",
    CAIRN_STORE_DATABASE: "cairn",
    CAIRN_LEASE_SECONDS: "60",
    ...(starts.length > 0 && without.machines !== true
      ? { CAIRN_MACHINE_ARN_PREFIX: "arn:aws:states:eu-central-1:000000000000:stateMachine:cairn-" }
      : {}),
    ...Object.fromEntries(
      storeRoles
        .filter((role) => role !== without.secret)
        .map((role) => [`CAIRN_STORE_SECRET_${role.toUpperCase()}`, `arn:secret:${role}`]),
    ),
  };
  vi.resetModules();
  vi.unstubAllEnvs();
  for (const name of Object.keys(process.env)) if (/^(CAIRN|AWS)_/.test(name)) vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  try {
    return (await import(fileURLToPath(new URL(`../../${entry}`, import.meta.url)))) as object;
  } finally {
    vi.unstubAllEnvs();
  }
}
