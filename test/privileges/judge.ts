import type { HandlerNeed } from "./asked.ts";
import { type Asked, allows, covers, type Statement } from "./policy.ts";
import type { reasons } from "./reasons.ts";
import type { Role } from "./roles.ts";

/** What one role did in the run. */
export type Deeds = { calls: Asked[]; needs: HandlerNeed[] };

export type Evidence = {
  roles: readonly Role[];
  /** By the role's name. */
  deeds: ReadonlyMap<string, Deeds>;
  /** Of a target's role: granted because AWS's schemas name it for a handler, on what AWS's reference says it acts on. */
  forHandlers: (action: string, resource: string) => boolean;
  /** What AWS's handlers ask for and is left out on purpose, or is no right that IAM knows. */
  neverGranted: (action: string) => boolean;
  /** AWS's reference knows resources that the action can be allowed on, so `*` is too wide for it. */
  takesResources: (action: string) => boolean;
  reasons: typeof reasons;
};

/** One right with what it is for: calls of the run, handlers that AWS ran for it, or the written reason. */
export type Right = {
  role: string;
  action: string;
  resource: string;
  conditions: Statement["conditions"];
  called: boolean;
  handlers: string[];
  reason: string | null;
};

export type Judgement = {
  rights: Right[];
  /** Used, and not granted. */
  missing: string[];
  /** Granted, and neither used nor reasoned. */
  needless: string[];
  /** Granted as a pattern of actions, or on every resource where AWS takes a narrower one, and not reasoned. */
  wide: string[];
};

export function judge(evidence: Evidence): Judgement {
  const { roles, deeds } = evidence;
  const of = (name: string): Deeds => deeds.get(name) ?? { calls: [], needs: [] };
  const strangers = [...deeds.keys()].filter((name) => !roles.some((role) => role.name === name));
  const rights = roles.flatMap((role) => rightsOf(role, of(role.name), evidence));
  const unread = evidence.reasons.filter(({ why }) => !rights.some(({ reason }) => reason === why));
  return {
    rights,
    missing: [
      ...strangers.map((name) => `${name} has no role in any template`),
      ...roles.flatMap((role) => missingFrom(role, of(role.name), evidence)),
    ],
    needless: [
      ...rights
        .filter(({ called, handlers, reason }) => !called && handlers.length === 0 && reason === null)
        .map(({ role, action, resource }) => `${role}: ${action} on ${resource}`),
      ...roles.flatMap((role) => neverTakenOn(role, evidence)),
      ...unread.map(({ why }) => `a reason that stands for nothing: ${why}`),
    ],
    wide: rights
      .filter(({ reason }) => reason === null)
      .filter(({ action, resource }) => action.includes("*") || (resource === "*" && evidence.takesResources(action)))
      .map(({ role, action, resource }) => `${role}: ${action} on ${resource}`),
  };
}

function rightsOf({ name, statements }: Role, { calls, needs }: Deeds, evidence: Evidence): Right[] {
  const granted = statements.filter(({ effect }) => effect === "Allow");
  return granted.flatMap((statement) =>
    statement.actions.flatMap((action) =>
      statement.resources.map((resource) => {
        const one = { ...statement, actions: [action], resources: [resource] };
        const called = calls.some((call) => covers(one, call));
        const handlers = !evidence.forHandlers(action, resource)
          ? []
          : needs
              .filter((need) => need.actions.includes(action))
              .map(({ typeName, handler }) => `${typeName} ${handler}`);
        const reason =
          called || handlers.length > 0
            ? undefined
            : evidence.reasons.find(
                (one) => one.role.test(name) && one.action.test(action) && (one.resource?.test(resource) ?? true),
              );
        return {
          role: name,
          action,
          resource,
          conditions: statement.conditions,
          called,
          handlers: [...new Set(handlers)].sort(),
          reason: reason?.why ?? null,
        };
      }),
    ),
  );
}

function missingFrom(role: Role, { calls, needs }: Deeds, { roles, neverGranted }: Evidence): string[] {
  const { name, statements, boundary } = role;
  const told = ({ action, resource }: Asked) => `${name}: ${action} on ${resource}`;
  const granted = statements.filter(({ effect }) => effect === "Allow").flatMap(({ actions }) => actions);
  const missing = [
    ...calls.filter((call) => !allows(statements, call)).map(told),
    ...calls
      .filter((call) => boundary !== null && !allows(boundary, call))
      .map((call) => `${told(call)}, by its boundary`),
    ...calls
      .filter(({ action }) => action === "sts:AssumeRole")
      .filter((call) => !trusts(roles, call))
      .map((call) => `${told(call)}, which does not trust it`),
    ...needs.flatMap(({ typeName, handler, actions }) =>
      actions
        .filter((action) => !granted.includes(action) && !neverGranted(action))
        .map((action) => `${name}: ${action} for ${typeName}'s ${handler} handler`),
    ),
  ];
  return [...new Set(missing)];
}

function trusts(roles: readonly Role[], call: Asked): boolean {
  const role = roles.find(({ name }) => call.resource.endsWith(`-${name.replace(" ", "-")}`));
  return role !== undefined && allows(role.trust, { ...call, resource: "*" });
}

/** Of those whom a role trusts by name, each has to have taken it on. */
function neverTakenOn({ name, trust }: Role, { deeds }: Evidence): string[] {
  const trusted = trust.flatMap(({ conditions }) => conditions.ArnEquals?.["aws:PrincipalArn"] ?? []);
  const took = [...deeds.values()]
    .flatMap(({ calls }) => calls)
    .filter(({ action, resource }) => action === "sts:AssumeRole" && resource.endsWith(`-${name.replace(" ", "-")}`))
    .map(({ context }) => context["aws:PrincipalArn"]);
  return trusted.filter((arn) => !took.includes(arn)).map((arn) => `${name}: trusts ${arn}, which never takes it on`);
}
