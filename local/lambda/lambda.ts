import { randomUUID } from "node:crypto";
import { devNull } from "node:os";
import { pathToFileURL } from "node:url";
import { type Environment, startEnvironment } from "./environment.ts";
import { type InvokeResult, type LambdaError, maxRequestBytes } from "./errors.ts";

export type LambdaFunction = {
  /** The module with an export named `handler`: an absolute path or a URL. */
  entry: string | URL;
  timeoutSeconds: number;
  /** All that the function sees of the environment, beside Lambda's own `AWS_…` variables. */
  environment: { readonly [name: string]: string };
  /** Told to the function; not enforced. Lambda's own default when left out. */
  memoryMb?: number | undefined;
};

export type LambdaOptions = {
  functions: { readonly [name: string]: LambdaFunction };
  region: string;
  accountId: string;
  /** What functions print, as it comes. Goes to this process's own output when left out. */
  log?: ((functionName: string, text: string) => void) | undefined;
  /** A directory for V8's compile cache. */
  compileCache?: string | undefined;
};

export type Lambda = {
  /** Has the function loaded before its first invocation, as provisioned concurrency does. Answers what kept it from loading. */
  provision(name: string): Promise<LambdaError | undefined>;
  /** By name, `account:function:name` or ARN. The payload makes a round trip through JSON, and so does the answer. */
  invoke(nameOrArn: string, payload: unknown): Promise<InvokeResult>;
  /** The function's ARN when there is one by that name or ARN. */
  find(nameOrArn: string): string | undefined;
  /** Lets what runs finish within `graceMs`, then ends every thread. */
  close(graceMs?: number): Promise<void>;
};

/** This machine's Lambda: each function in its own thread, started with its first invocation. */
export function createLambda(options: LambdaOptions): Lambda {
  const { functions, region, accountId } = options;
  const current = new Map<string, Environment>();
  const alive = new Set<Environment>();
  const running = new Set<Promise<InvokeResult>>();
  let closed = false;

  return {
    provision: async (name) => environmentOf(name).loaded,
    invoke,
    find: (nameOrArn) => (nameOf(nameOrArn) === undefined ? undefined : arnOf(nameOf(nameOrArn))),
    close,
  };

  async function invoke(nameOrArn: string, payload: unknown): Promise<InvokeResult> {
    const name = nameOf(nameOrArn);
    if (closed) return refuse("ServiceException", "this machine's Lambda is closing");
    if (name === undefined) return refuse("ResourceNotFoundException", `Function not found: ${arnOf(nameOrArn)}`);
    const event = JSON.stringify(payload) ?? "null";
    if (Buffer.byteLength(event) > maxRequestBytes) {
      const limit = `Request must be smaller than ${maxRequestBytes} bytes for the InvokeFunction operation`;
      return refuse("RequestTooLargeException", limit);
    }
    const run = environmentOf(name).invoke(event);
    running.add(run);
    return run.finally(() => running.delete(run));
  }

  function environmentOf(name: string): Environment {
    const known = current.get(name);
    if (known?.usable()) return known;
    const environment = start(name, functions[name] as LambdaFunction);
    current.set(name, environment);
    alive.add(environment);
    void environment.gone.then(() => alive.delete(environment));
    return environment;
  }

  function start(name: string, { entry, timeoutSeconds, environment, memoryMb = 128 }: LambdaFunction): Environment {
    const log = options.log;
    return startEnvironment({
      entry: entry instanceof URL || /^[a-z]{2,}:/.test(entry) ? String(entry) : pathToFileURL(entry).href,
      functionName: name,
      functionArn: arnOf(name),
      memoryMb,
      timeoutSeconds,
      compileCache: options.compileCache ?? null,
      variables: { ...reserved(name, memoryMb, region), ...environment },
      ...(log === undefined ? {} : { log: (text: string) => log(name, text) }),
    });
  }

  function nameOf(nameOrArn: string): string | undefined {
    const [, account, name = ""] = functionReference(region).exec(nameOrArn) ?? [];
    return (account === undefined || account === accountId) && Object.hasOwn(functions, name) ? name : undefined;
  }

  function arnOf(name: string | undefined): string {
    return name?.startsWith("arn:") ? name : `arn:aws:lambda:${region}:${accountId}:function:${name}`;
  }

  async function close(graceMs = 3000): Promise<void> {
    closed = true;
    const grace = Promise.withResolvers<void>();
    const timer = setTimeout(grace.resolve, graceMs);
    await Promise.race([Promise.allSettled(running), grace.promise]);
    clearTimeout(timer);
    await Promise.all([...alive].map((environment) => environment.stop()));
  }
}

/** `name`, `account:function:name` or an ARN of this region, each with or without `:$LATEST`. */
function functionReference(region: string): RegExp {
  return new RegExp(`^(?:(?:arn:aws:lambda:${region}:)?(\\d{12}):function:)?([A-Za-z0-9_-]{1,64})(?::\\$LATEST)?$`);
}

/** Each function has credentials of its own, as its role would give it: a server can tell who calls. */
export function accessKeyFor(functionName: string): string {
  return `local-${functionName}`;
}

/**
 * What Lambda itself puts into the environment. The credentials stand for the execution role's, which local endpoints
 * take as they take any; with them, and without this person's AWS files, no function ever finds a real account.
 */
function reserved(name: string, memoryMb: number, region: string): { [name: string]: string } {
  return {
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyFor(name),
    AWS_SECRET_ACCESS_KEY: "local",
    AWS_SESSION_TOKEN: "local",
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x",
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: randomUUID(),
  };
}

function refuse(errorType: string, errorMessage: string): InvokeResult {
  return { ok: false, by: "service", requestId: randomUUID(), error: { errorType, errorMessage } };
}
