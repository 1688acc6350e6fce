import type { Statement } from "./policy.ts";

type Resources = { [id: string]: { Type: string; Properties?: { [name: string]: unknown } } };
export type TemplateJson = {
  Resources: Resources;
  Outputs?: { [id: string]: { Value: unknown; Export?: { Name: unknown } } };
};

export type Role = {
  /** The function's, or what else has it. */
  name: string;
  statements: Statement[];
  boundary: Statement[] | null;
  /** Who may take it on, and how. */
  trust: Statement[];
};

export type Place = { account: string; region: string };

/** A value of a template as text: what only a deployment knows stands in braces, `{LogicalId.Attribute}`. */
export function reader(place: Place, templates: readonly TemplateJson[]): (value: unknown) => string {
  const exported = new Map<string, unknown>();
  for (const { Outputs = {} } of templates)
    for (const { Value, Export } of Object.values(Outputs)) exported.set(String(Export?.Name), Value);
  const pseudo: { [name: string]: string } = {
    "AWS::Partition": "aws",
    "AWS::Region": place.region,
    "AWS::AccountId": place.account,
    "AWS::URLSuffix": "amazonaws.com",
  };
  return function read(value: unknown): string {
    if (typeof value !== "object" || value === null) return String(value);
    const [[form, given] = ["", ""]] = Object.entries(value);
    if (form === "Ref") return pseudo[given] ?? `{${given}}`;
    if (form === "Fn::GetAtt") return `{${[given].flat().join(".")}}`;
    if (form === "Fn::Join") return given[1].map(read).join(given[0]);
    if (form === "Fn::Sub")
      return String(given).replaceAll(/\$\{(\w+::\w+)\}/g, (_, name) => pseudo[name] ?? `{${name}}`);
    if (form === "Fn::ImportValue" && exported.has(String(given))) return read(exported.get(String(given)));
    throw new Error(`what does ${JSON.stringify(value)} say?`);
  };
}

/** The roles of a template with all that their policies say. */
export function rolesOf({ Resources }: TemplateJson, read: (value: unknown) => string): Role[] {
  type Policy = { Roles?: { Ref: string }[]; PolicyDocument: Document };
  const ofType = (type: string) => Object.entries(Resources).filter(([, { Type }]) => Type === type);
  return ofType("AWS::IAM::Role").map(([id, { Properties = {} }]) => {
    const attached = [...ofType("AWS::IAM::Policy"), ...ofType("AWS::IAM::ManagedPolicy")]
      .map(([, { Properties }]) => Properties as unknown as Policy)
      .filter(({ Roles = [] }) => Roles.some(({ Ref }) => Ref === id));
    const inline = (Properties.Policies ?? []) as Policy[];
    const managed = ((Properties.ManagedPolicyArns ?? []) as unknown[]).map(read);
    const boundary = Properties.PermissionsBoundary as { Ref: string } | undefined;
    return {
      name: nameOf(id, Properties.RoleName),
      statements: [
        ...[...attached, ...inline].flatMap(({ PolicyDocument }) => statementsIn(PolicyDocument, read)),
        ...managed.filter((arn) => arn.startsWith("arn:")).map(awsManaged),
      ],
      boundary:
        boundary === undefined
          ? null
          : statementsIn(Resources[boundary.Ref]?.Properties?.PolicyDocument as Document, read),
      trust: statementsIn(Properties.AssumeRolePolicyDocument as Document, read),
    };
  });
}

type Document = {
  Statement: {
    Effect: "Allow" | "Deny";
    Action?: unknown;
    NotAction?: unknown;
    Resource?: unknown;
    Condition?: unknown;
  }[];
};

function statementsIn({ Statement }: Document, read: (value: unknown) => string): Statement[] {
  const all = (value: unknown) => [value].flat().map(read);
  return Statement.map(({ Effect, Action, NotAction, Resource = "*", Condition = {} }) => ({
    effect: Effect,
    actions: all(Action ?? NotAction),
    others: Action === undefined,
    resources: all(Resource),
    conditions: Object.fromEntries(
      Object.entries(Condition as object).map(([operator, keys]) => [
        operator,
        Object.fromEntries(Object.entries(keys as object).map(([key, values]) => [key, all(values)])),
      ]),
    ),
  }));
}

/** A policy that AWS keeps, of which the template has nothing but the name. */
function awsManaged(arn: string): Statement {
  if (!arn.endsWith("/AWSLambdaBasicExecutionRole")) throw new Error(`what does ${arn} allow?`);
  const actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"];
  return { effect: "Allow", actions, others: false, resources: ["*"], conditions: {} };
}

/** Roles without a name of their own are known by the construct that has them. */
const unnamed: [RegExp, string][] = [
  [/^machine(\w+?)MachineEventsRole/, "the rule of $1"],
  [/^machine(\w+?)Role/, "the machine $1"],
  [/^AWSCDKTriggerCustomResourceProvider.*/, "the trigger of migrations"],
];

function nameOf(id: string, roleName: unknown): string {
  if (typeof roleName === "string") return roleName.replace(/^cairn-[a-z0-9]+-/, "").replace(/^target-/, "target ");
  for (const [pattern, name] of unnamed) if (pattern.test(id)) return name.replace("$1", pattern.exec(id)?.[1] ?? "");
  throw new Error(`whose role is ${id}?`);
}
