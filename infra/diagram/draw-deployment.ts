import type { Stage } from "../stages/stage.ts";

type Statement = { Action: string | string[]; Resource: unknown };

/** What is read of a resource in a template. */
type Properties = {
  Name?: string;
  FunctionName?: string;
  StateMachineName?: string;
  RoleName?: string;
  RoleArn?: unknown;
  ApiId?: unknown;
  IntegrationUri?: unknown;
  Targets?: unknown;
  ScheduleExpression?: string;
  Roles?: { Ref: string }[];
  PolicyDocument?: { Statement: Statement[] };
};

export type Synthesized = { Resources: { [id: string]: { Type: string; Properties?: Properties } } };

/**
 * What a deployment is made of and who may reach whom, as a Mermaid flowchart read out of the synthesized control stack: what
 * calls a function is an API's integration, a rule or a machine; what a function reaches is what its role allows.
 */
export function drawDeployment({ Resources }: Synthesized, stage: Stage): string {
  const prefix = `cairn-${stage.name}-`;
  const ofType = (type: string): [id: string, properties: Properties][] =>
    Object.entries(Resources).flatMap(([id, { Type, Properties = {} }]) => (Type === type ? [[id, Properties]] : []));
  const machines = ofType("AWS::StepFunctions::StateMachine");
  /** The nodes, by the logical ids with which a template refers to them; a role stands for who has it. */
  const nodes = new Map<string, string>();
  for (const [id, { Name }] of ofType("AWS::ApiGatewayV2::Api"))
    nodes.set(id, `${Name?.endsWith("-machines") ? "machines" : "people"}-api`);
  for (const [id, { FunctionName }] of ofType("AWS::Lambda::Function"))
    if (FunctionName !== undefined) nodes.set(id, FunctionName.replace(prefix, ""));
  for (const [id, { StateMachineName = "" }] of machines)
    nodes.set(id, `${StateMachineName.replace(prefix, "")}-machine`);
  const namedIn = (part: unknown): string[] => {
    const text = JSON.stringify(part) ?? "";
    return [...nodes].filter(([id]) => text.includes(`"${id}"`)).map(([, name]) => name);
  };
  const ownerOf = (role: string): string | undefined => {
    const [machine] = machines.find(([, { RoleArn }]) => JSON.stringify(RoleArn).includes(`"${role}"`)) ?? [];
    const name = Resources[role]?.Properties?.RoleName?.replace(prefix, "");
    return machine === undefined ? [...nodes.values()].find((node) => node === name) : nodes.get(machine);
  };

  const edges = [
    ...ofType("AWS::ApiGatewayV2::Integration").flatMap(([, { ApiId, IntegrationUri }]) =>
      namedIn(ApiId).flatMap((from) => namedIn(IntegrationUri).map((to) => `${from} --> ${to}`)),
    ),
    ...ofType("AWS::Events::Rule").flatMap(([, { Targets, ScheduleExpression }]) =>
      namedIn(Targets).map((to) => `rules -- "${ScheduleExpression}" --> ${to}`),
    ),
    ...ofType("AWS::IAM::Policy").flatMap(([, { Roles = [], PolicyDocument }]) => {
      const owner = ownerOf(Roles[0]?.Ref ?? "");
      const statements = owner === undefined ? [] : (PolicyDocument?.Statement ?? []);
      return statements.flatMap((statement) => reached(statement, namedIn).map((rest) => `${owner} ${rest}`));
    }),
  ];
  return ["flowchart LR", ...aroundIt(stage), ...[...new Set(edges)].sort()].join("\n  ");
}

/** The arrows that a statement allows, from whoever has it. */
function reached({ Action, Resource }: Statement, namedIn: (part: unknown) => string[]): string[] {
  const may = (action: string) => [Action].flat().includes(action);
  const found = (pattern: RegExp) =>
    [...JSON.stringify(Resource).matchAll(pattern)].map(([, name = ""]) => name).sort();
  if (may("lambda:InvokeFunction")) return namedIn(Resource).map((to) => `--> ${to}`);
  if (may("states:StartExecution"))
    return found(/stateMachine:cairn-[a-z0-9-]+-(\w+)/g).map((name) => `-- starts --> ${name}-machine`);
  if (may("secretsmanager:GetSecretValue")) {
    // The secrets under which a rotation tries a login are nobody's yet.
    const roles = found(/Secret(\w+?)Attachment/g);
    return roles.length === 0 ? [] : [`-- "${roles.join(", ")}" --> store`];
  }
  return may("sts:AssumeRole") ? ["--> targets"] : [];
}

/** What stands outside the stack, and what is drawn in a shape of its own. */
function aroundIt({ targets }: Stage): string[] {
  return [
    'people([people]) -- "token" --> people-api[HTTP API for people]',
    'machines([machines]) -- "SigV4" --> machines-api[HTTP API for machines]',
    "rules{{scheduled rules}}",
    "reconcile-machine[[state machine reconcile]]",
    "drift-machine[[state machine drift]]",
    "store[(Aurora PostgreSQL, through the Data API, as the role on the line)]",
    `targets[["roles in target accounts: ${targets.map(({ name, region }) => `${name} in ${region}`).join(", ")}"]]`,
  ];
}
