import { Match, type Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { type FunctionName, functions, machines, type StoreRole, schedules } from "../../functions/manifest.ts";
import { readStage } from "../../infra/stages/read-stage.ts";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

type Resource = { Type: string; Properties: Record<string, unknown>; DependsOn?: string[] };
type Statement = { Action: string | string[]; Resource: unknown; Effect: string };

const names = Object.keys(functions) as FunctionName[];
const roles: StoreRole[] = ["api", "platform", "worker", "owner"];
let store: Template;
let control: Template;

beforeAll(() => {
  ({ store, control } = synthesize(fullStage));
});

describe("functions", () => {
  test.each(names)("%s runs as the manifest says", (name) => {
    const { Properties } = functionOf(name);
    expect(Properties).toMatchObject({
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Handler: "index.handler",
      Timeout: functions[name].timeoutSeconds,
      MemorySize: functions[name].memoryMb,
      TracingConfig: { Mode: "Active" },
      FunctionName: `cairn-production-${name}`,
    });
    expect(Properties.ReservedConcurrentExecutions).toBe(functions[name].concurrency?.atMost);
  });

  test.each(names)("%s knows the secrets of its own database roles and no other", (name) => {
    const own = functions[name].storeRoles;
    const rotated = functions[name].rotates ?? [];
    const variables = (functionOf(name).Properties.Environment as { Variables: Record<string, unknown> }).Variables;
    for (const role of roles) {
      const variable = variables[`CAIRN_STORE_SECRET_${role.toUpperCase()}`];
      if (own.includes(role)) expect(JSON.stringify(variable)).toContain(`Secret${role}Attachment`);
      else expect(variable).toBeUndefined();
    }
    const readable = allowed(statementsOf(name), "secretsmanager:GetSecretValue");
    expect(roles.filter((role) => readable.includes(`Secret${role}Attachment`))).toEqual(
      roles.filter((role) => own.includes(role) || rotated.includes(role)),
    );
  });

  test.each(names)("%s may do what the manifest names and nothing else", (name) => {
    const { storeRoles, starts, providers, transactions = false, rotates = [] } = functions[name];
    const transaction = ["rds-data:BeginTransaction", "rds-data:CommitTransaction", "rds-data:RollbackTransaction"];
    const rotation = ["DescribeSecret", "PutSecretValue", "UpdateSecretVersionStage", "CreateSecret", "DeleteSecret"];
    const expected = [
      "logs:CreateLogStream",
      "logs:PutLogEvents",
      "xray:PutTraceSegments",
      "xray:PutTelemetryRecords",
      ...(storeRoles.length > 0 ? ["rds-data:ExecuteStatement", "secretsmanager:GetSecretValue", "kms:Decrypt"] : []),
      ...(transactions ? transaction : []),
      ...(rotates.length > 0 ? [...rotation.map((call) => `secretsmanager:${call}`), "kms:GenerateDataKey"] : []),
      ...(starts.length > 0 ? ["states:StartExecution"] : []),
      ...(providers !== "none" ? ["sts:AssumeRole"] : []),
    ];
    expect([...new Set(actionsOf(statementsOf(name)))].sort()).toEqual(expected.sort());
    const startable = allowed(statementsOf(name), "states:StartExecution");
    for (const machine of Object.keys(machines) as (keyof typeof machines)[]) {
      expect(startable.includes(`stateMachine:cairn-production-${machine}`)).toBe(starts.includes(machine));
    }
  });

  test("take on the roles of the stage's targets and no others", () => {
    expect(JSON.parse(allowed(statementsOf("apply-resource"), "sts:AssumeRole")).flat()).toEqual([
      "arn:aws:iam::222233334444:role/cairn-production-target-shared",
      "arn:aws:iam::222233334444:role/cairn-production-target-shared-tenants",
      "arn:aws:iam::333344445555:role/cairn-production-target-live",
    ]);
    expect(JSON.parse(allowed(statementsOf("observe-drift"), "sts:AssumeRole")).flat()).toEqual([
      "arn:aws:iam::222233334444:role/cairn-production-target-shared-look",
      "arn:aws:iam::222233334444:role/cairn-production-target-shared-tenants-look",
      "arn:aws:iam::333344445555:role/cairn-production-target-live-look",
    ]);
    // The migrations ask nothing but where a new cluster is.
    expect(JSON.parse(allowed(statementsOf("migrate"), "sts:AssumeRole")).flat()).toEqual([
      "arn:aws:iam::222233334444:role/cairn-production-target-shared-tenants-look",
    ]);
  });

  test("keep their logs as long as the stage says, and lose them with the stack", () => {
    control.allResourcesProperties("AWS::Logs::LogGroup", { RetentionInDays: fullStage.logDays });
  });

  test("reserve nothing where the account's quota has no room", () => {
    const { control } = synthesize({ ...fullStage, reserveConcurrency: false });
    control.allResourcesProperties("AWS::Lambda::Function", { ReservedConcurrentExecutions: Match.absent() });
  });
});

test("every secret of the store is rotated by the one function that may, and Secrets Manager alone calls it", () => {
  const schedules = resourcesOf("AWS::SecretsManager::RotationSchedule").map(({ Properties }) => Properties);
  expect(schedules).toHaveLength(roles.length);
  for (const role of roles) {
    expect(
      schedules.find(({ SecretId }) => JSON.stringify(SecretId).includes(`Secret${role}Attachment`)),
    ).toMatchObject({
      RotationLambdaARN: { "Fn::GetAtt": [idOf("rotate-secret"), "Arn"] },
      RotationRules: { AutomaticallyAfterDays: fullStage.rotationDays },
      RotateImmediatelyOnUpdate: false,
    });
  }
  const callers = resourcesOf("AWS::Lambda::Permission")
    .map(({ Properties }) => Properties)
    .filter(({ FunctionName }) => JSON.stringify(FunctionName).includes(`"${idOf("rotate-secret")}"`));
  expect(callers).toMatchObject([
    { Principal: "secretsmanager.amazonaws.com", SourceAccount: { Ref: "AWS::AccountId" } },
  ]);
});

describe("state machines", () => {
  test.each(Object.entries(machines))("%s calls its tasks' functions, and may call no other", (name, { tasks }) => {
    const machine = resourcesOf("AWS::StepFunctions::StateMachine").find(
      ({ Properties }) => Properties.StateMachineName === `cairn-production-${name}`,
    );
    const definition = JSON.stringify(machine?.Properties.DefinitionString);
    expect(definition).not.toContain("${");
    const invocable = allowed(statementsOf(`machine${name}`), "lambda:InvokeFunction");
    for (const other of names) {
      const used = (tasks as readonly string[]).includes(other);
      expect([other, definition.includes(`"${idOf(other)}"`)]).toEqual([other, used]);
      expect([other, invocable.includes(`"${idOf(other)}"`)]).toEqual([other, used]);
    }
  });

  test("are Standard, traced, and log no payload", () => {
    control.allResourcesProperties("AWS::StepFunctions::StateMachine", {
      StateMachineType: "STANDARD",
      LoggingConfiguration: { IncludeExecutionData: false },
      TracingConfiguration: { Enabled: true },
    });
  });
});

test.each(Object.entries(schedules))(
  "the rule %s keeps its period, retries, and keeps what it could not deliver",
  (name, spec) => {
    const rateMinutes = { sweep: 1, drift: 15 }[name] ?? spec.rateMinutes;
    const rate =
      rateMinutes === 1 ? "1 minute" : rateMinutes % 1440 === 0 ? days(rateMinutes) : `${rateMinutes} minutes`;
    const id = "function" in spec.target ? idOf(spec.target.function) : `machine${spec.target.machine}Machine`;
    control.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: `rate(${rate})`,
      State: "ENABLED",
      Targets: [
        {
          Arn: Match.objectLike(
            "function" in spec.target ? { "Fn::GetAtt": [id, "Arn"] } : { Ref: Match.stringLikeRegexp(id) },
          ),
          DeadLetterConfig: Match.anyValue(),
          RetryPolicy: { MaximumRetryAttempts: 3, MaximumEventAgeInSeconds: rateMinutes * 60 },
        },
      ],
    });
  },
);

test("rules are slow enough for a store that may sleep", () => {
  const { control } = synthesize(readStage("development"));
  for (const minutes of ["1 hour", "1 hour", "1 day"]) {
    control.hasResourceProperties("AWS::Events::Rule", { ScheduleExpression: `rate(${minutes})` });
  }
});

test("no other function gets its new code before the migrations have run", () => {
  const [trigger] = Object.keys(control.findResources("Custom::Trigger"));
  for (const name of names) {
    const waits = functionOf(name).DependsOn?.includes(trigger ?? "") ?? false;
    expect([name, waits]).toEqual([name, name !== "migrate"]);
  }
});

test("no statement allows every action, and only traces and log delivery, which take no narrower one, every resource", () => {
  for (const template of [store, control]) {
    const statements = Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
      ({ Properties }) => Properties.PolicyDocument.Statement as Statement[],
    );
    for (const statement of statements) {
      const actions = [statement.Action].flat();
      expect(actions.filter((action) => action.endsWith("*"))).toEqual([]);
      if (statement.Resource === "*") expect(actions.filter((action) => !/^(logs|xray):/.test(action))).toEqual([]);
    }
  }
});

test("templates name neither an account nor a region of their own accord", () => {
  const plain = { ...fullStage, account: null, targets: [], domain: null, machineCallers: [] };
  const { store, control } = synthesize(plain);
  for (const template of [store, control]) {
    const named = JSON.stringify(template.toJSON()).match(/arn:aws:[a-z-]*:[a-z]{2}-[a-z]+-\d|\b\d{12}\b/g);
    expect(named).toBeNull();
  }
});

test("what takes tags is tagged with its stage", () => {
  for (const type of ["AWS::RDS::DBCluster", "AWS::KMS::Key", "AWS::SecretsManager::Secret"]) {
    store.allResourcesProperties(type, { Tags: Match.arrayWith([{ Key: "cairn:stage", Value: "production" }]) });
  }
  for (const type of ["AWS::StepFunctions::StateMachine", "AWS::SQS::Queue", "AWS::Logs::LogGroup"]) {
    control.allResourcesProperties(type, { Tags: Match.arrayWith([{ Key: "cairn:stage", Value: "production" }]) });
  }
});

function resourcesOf(type: string): Resource[] {
  return Object.values(control.findResources(type)) as Resource[];
}

function idOf(name: FunctionName): string {
  const prefix = `${name.replaceAll("-", "")}Function`;
  const [id] = Object.keys(control.findResources("AWS::Lambda::Function")).filter((key) => key.startsWith(prefix));
  if (id === undefined) throw new Error(`the template has no function ${name}`);
  return id;
}

function functionOf(name: FunctionName): Resource {
  return control.findResources("AWS::Lambda::Function")[idOf(name)] as Resource;
}

/** The statements of the role of a function, or of the construct whose id begins so. */
function statementsOf(name: string): Statement[] {
  const prefix = `${name.replaceAll("-", "")}Role`;
  const policies = Object.entries(control.findResources("AWS::IAM::Policy")).filter(([id]) => id.startsWith(prefix));
  return policies.flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement as Statement[]);
}

function actionsOf(statements: Statement[]): string[] {
  return statements.flatMap(({ Action }) => Action);
}

/** What an action is allowed on, as text. */
function allowed(statements: Statement[], action: string): string {
  const resources = statements.filter(({ Action }) => [Action].flat().includes(action)).map(({ Resource }) => Resource);
  return JSON.stringify(resources);
}

function days(minutes: number): string {
  return minutes === 1440 ? "1 day" : `${minutes / 1440} days`;
}
