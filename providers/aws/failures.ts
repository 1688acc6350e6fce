import type { Failure } from "../../core/provider.ts";
import { scrub } from "../scrub.ts";

/** A handler's error code, and what a developer can do about it. Which ones may pass by themselves: AWS's documentation. */
const handlerErrors: { readonly [code: string]: { transient: boolean; advice: string } } = {
  AccessDenied: {
    transient: false,
    advice: "Cairn's role in the target account may not do this: ask the platform team",
  },
  AlreadyExists: { transient: false, advice: "the name is taken" },
  ConcurrentModification: { transient: true, advice: "another change of it is under way; it is tried again" },
  ConcurrentOperation: { transient: true, advice: "another change of it is under way; it is tried again" },
  GeneralServiceException: { transient: false, advice: "AWS refused it without a code of its own" },
  InternalFailure: { transient: true, advice: "AWS failed inside; it is tried again" },
  InvalidCredentials: {
    transient: false,
    advice: "Cairn's credentials for the target are not accepted: ask the platform team",
  },
  InvalidRequest: {
    transient: false,
    advice: "AWS does not accept a value: correct the parameter or override it names",
  },
  NetworkFailure: { transient: true, advice: "AWS could not reach the service; it is tried again" },
  NotFound: { transient: false, advice: "it, or something that it refers to, does not exist" },
  NotStabilized: { transient: true, advice: "it did not come up in AWS's time; it is tried again" },
  NotUpdatable: { transient: false, advice: "AWS can only make this change by replacing the object" },
  ResourceConflict: { transient: true, advice: "another change of it is under way; it is tried again" },
  ServiceInternalError: { transient: true, advice: "the AWS service failed inside; it is tried again" },
  ServiceLimitExceeded: { transient: false, advice: "a quota of the target account is used up: ask the platform team" },
  ServiceTimeout: { transient: true, advice: "the AWS service did not answer in time; it is tried again" },
  Throttling: { transient: true, advice: "AWS is limiting the rate; it is tried again" },
  UnauthorizedTaggingOperation: {
    transient: false,
    advice: "Cairn's role may not set tags in the target account: ask the platform team",
  },
};

/**
 * @param code a HandlerErrorCode (`NotStabilized`) or the same as an exception's name (`NotStabilizedException`)
 * @param message AWS's words; scrubbed here
 */
export function failureOf(kind: string, code: string, message: string, secrets: readonly string[]): Failure {
  const name = code
    .replace(/Exception$/, "")
    .replace(/^(Handler|Service)?Internal(Failure|Error)$/, "ServiceInternalError");
  const known = handlerErrors[name] ?? handlerErrors[code];
  const advice = known?.advice ?? "AWS did not take it";
  const said = scrub(message, secrets);
  return {
    code: toCode(name),
    message: `${kind}: ${advice}${said === "" ? "" : ` (AWS: ${said})`}`,
    transient: known?.transient ?? passing.has(code),
  };
}

/** Exceptions that no handler code stands for and that pass: credentials are renewed. */
const passing = new Set(["ExpiredTokenException", "ExpiredToken", "RequestExpired"]);

/** `NotStabilized` → `NOT_STABILIZED` */
function toCode(name: string): string {
  return name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
}

export function failure(kind: string, code: string, message: string, transient: boolean): Failure {
  return { code, message: `${kind}: ${message}`, transient };
}
