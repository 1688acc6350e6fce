import { invalidMember, StatesError } from "./errors.ts";

/** A parsed request, whose members the functions here read as the service does. */
export type Request = { readonly [member: string]: unknown };

/** @throws {StatesError} ValidationException, SerializationException */
export function requiredText(request: Request, member: string): string {
  const value = optionalText(request, member);
  if (value === undefined) throw invalidMember(member, "not be null");
  return value;
}

/** Bounded in characters, as the service's model says. */
export function optionalText(request: Request, member: string, maxLength?: number): string | undefined {
  const value = optional(request, member, "string");
  if (value === undefined || maxLength === undefined || value.length <= maxLength) return value;
  throw invalidMember(member, `have length less than or equal to ${maxLength}`);
}

export function optionalFlag(request: Request, member: string): boolean | undefined {
  return optional(request, member, "boolean");
}

export function optionalChoice<Choice extends string>(
  request: Request,
  member: string,
  choices: readonly Choice[],
): Choice | undefined {
  const value = optionalText(request, member);
  const choice = choices.find((known) => known === value);
  if (choice === undefined && value !== undefined)
    throw invalidMember(member, `satisfy enum value set: [${choices.join(", ")}]`);
  return choice;
}

/** How many results a page may have: 100 unless told, 1,000 at most. */
export function pageSize(request: Request): number {
  const asked = optional(request, "maxResults", "number") ?? 0;
  if (!Number.isInteger(asked)) throw new StatesError("SerializationException", "maxResults is not an integer");
  if (asked < 0) throw invalidMember("maxResults", "have value greater than or equal to 0");
  if (asked > 1000) throw invalidMember("maxResults", "have value less than or equal to 1000");
  return asked === 0 ? 100 : asked;
}

type Types = { string: string; boolean: boolean; number: number };

function optional<Type extends keyof Types>(request: Request, member: string, type: Type): Types[Type] | undefined {
  const value = request[member] ?? undefined;
  if (value === undefined || typeof value === type) return value as Types[Type] | undefined;
  throw new StatesError("SerializationException", `${member} is not a ${type}`);
}
