import { Match, type Template } from "aws-cdk-lib/assertions";
import { beforeAll, describe, expect, test } from "vitest";
import { stageTarget } from "../../functions/stage-targets.ts";
import { targetRows } from "../../infra/target-rows.ts";
import { fullStage } from "./full-stage.ts";
import { synthesize } from "./synthesize.ts";

type Statement = { Action?: string | string[]; Resource: unknown };

let shared: Template;
let live: Template;

beforeAll(() => {
  const { targets } = synthesize(fullStage);
  [shared, live] = targets as [Template, Template];
});

describe("a target's role", () => {
  test("is taken on by Cairn's functions that ask providers, with the target's ExternalId, and by nobody else", () => {
    const functions = ["apply-resource"];
    live.hasResourceProperties("AWS::IAM::Role", {
      RoleName: "cairn-production-target-live",
      AssumeRolePolicyDocument: {
        Statement: [
          {
            Action: "sts:AssumeRole",
            Effect: "Allow",
            Principal: { AWS: Match.anyValue() },
            Condition: {
              ArnEquals: {
                "aws:PrincipalArn": functions.map((name) => `arn:aws:iam::111122223333:role/cairn-production-${name}`),
              },
              StringEquals: { "sts:ExternalId": "made-up-for-live-0001" },
            },
          },
        ],
      },
    });
    const [role] = Object.values(live.findResources("AWS::IAM::Role"));
    expect(JSON.stringify(role?.Properties.AssumeRolePolicyDocument)).toContain(":iam::111122223333:root");
  });

  test("is one for changing and one for looking, and two more for tenants' databases; the migrations take on the last, to ask where its cluster is", () => {
    const names = ["apply-resource", "migrate", "observe-drift", "observe-resource"];
    const trust = Object.values(shared.findResources("AWS::IAM::Role")).map(({ Properties }) => [
      Properties.RoleName,
      names.filter((name) =>
        JSON.stringify(Properties.AssumeRolePolicyDocument).includes(`role/cairn-production-${name}"`),
      ),
    ]);
    expect(trust).toEqual([
      ["cairn-production-target-shared", ["apply-resource"]],
      ["cairn-production-target-shared-look", ["observe-drift", "observe-resource"]],
      ["cairn-production-target-shared-tenants", ["apply-resource"]],
      ["cairn-production-target-shared-tenants-look", ["migrate", "observe-drift", "observe-resource"]],
    ]);
    expect(JSON.stringify(live.findResources("AWS::IAM::Role"))).not.toContain("migrate");
  });

  const calls = (...names: string[]) => names.map((call) => `secretsmanager:${call}`);
  test.each([
    {
      role: "tenants",
      id: "TenantsRole",
      may: [
        "rds-data:ExecuteStatement",
        ...calls("CreateSecret", "DeleteSecret", "DescribeSecret", "GetSecretValue", "RestoreSecret", "TagResource"),
      ],
    },
    {
      role: "tenants-look",
      id: "TenantsLookRole",
      may: [
        "cloudformation:GetResource",
        "rds-data:ExecuteStatement",
        "rds:DescribeDBClusters",
        ...calls("DescribeSecret", "GetSecretValue"),
      ],
    },
  ])("for $role may do what tenants' databases need, and has a ceiling of its own", ({ role, id, may }) => {
    expect([...new Set(statementsOf(id).flatMap(({ Action = [] }) => Action))].sort()).toEqual(may);
    shared.hasResourceProperties("AWS::IAM::ManagedPolicy", {
      ManagedPolicyName: `cairn-production-target-shared-${role}-boundary`,
    });
  });

  test("for looking at tenants' databases reads no secret but the admin's", () => {
    const reads = statementsOf("TenantsLookRole").filter(({ Action = [] }) =>
      [Action].flat().includes("secretsmanager:GetSecretValue"),
    );
    expect(reads.map(({ Resource }) => Resource)).toEqual([
      { "Fn::GetAtt": [expect.stringMatching("TenantsCluster"), "MasterUserSecret.SecretArn"] },
    ]);
  });

  test("lists no kind whose objects it finds by their names", () => {
    expect(actionsOf(live)).toEqual(expect.arrayContaining(["sqs:ListQueues", "secretsmanager:ListSecrets"]));
    expect(actionsOf(live).filter((name) => /ListAllMyBuckets|ssm:DescribeParameters/.test(name))).toEqual([]);
  });

  test("has a ceiling: the golden paths' services, this region, and hands off Cairn's mark", () => {
    const [id, boundary] = Object.entries(live.findResources("AWS::IAM::ManagedPolicy")).find(
      ([, { Properties }]) => Properties.ManagedPolicyName === "cairn-production-target-live-boundary",
    ) as [string, { Properties: { PolicyDocument: { Statement: Record<string, unknown>[] } } }];
    live.hasResourceProperties("AWS::IAM::Role", { PermissionsBoundary: { Ref: id } });
    const [allow, region, untag] = boundary.Properties.PolicyDocument.Statement;
    const actions = allow?.Action as string[];
    expect(actions.filter((name) => name.startsWith("iam:"))).toEqual(["iam:CreateServiceLinkedRole"]);
    expect(actions.filter((name) => /^(sts|organizations|cloudtrail|kms:\*|ec2:\*)/.test(name))).toEqual([]);
    expect(region).toMatchObject({
      Effect: "Deny",
      Condition: { StringNotEquals: { "aws:RequestedRegion": "eu-central-1" } },
    });
    expect(untag).toMatchObject({
      Effect: "Deny",
      Action: expect.arrayContaining(["sqs:UntagQueue", "rds:RemoveTagsFromResource", "secretsmanager:UntagResource"]),
      Condition: { "ForAnyValue:StringLike": { "aws:TagKeys": "cairn:*" } },
    });
  });

  test("covers nothing that its ceiling would take away again", () => {
    for (const target of [shared, live]) {
      const policies = Object.values(target.findResources("AWS::IAM::ManagedPolicy"));
      for (const [id, { Properties }] of Object.entries(target.findResources("AWS::IAM::Role"))) {
        const ceiling = policies.find((one) => one.Properties.ManagedPolicyName === `${Properties.RoleName}-boundary`);
        const allowed: string[] = ceiling?.Properties.PolicyDocument.Statement[0].Action;
        const granted = [...Object.values(target.findResources("AWS::IAM::Policy")), ...policies]
          .filter((policy) => policy.Properties.Roles?.some(({ Ref }: { Ref: string }) => Ref === id))
          .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as { Action: string | string[] }[])
          .flatMap(({ Action }) => Action);
        const lost = granted.filter((name) => !allowed.includes(name) && !allowed.includes(`${name.split(":")[0]}:*`));
        expect([Properties.RoleName, lost]).toEqual([Properties.RoleName, []]);
        expect(granted.length).toBeGreaterThan(/-tenants/.test(Properties.RoleName) ? 4 : 40);
      }
    }
  });

  test("may use the shared cluster of its own target alone", () => {
    const policies = Object.values(shared.findResources("AWS::IAM::Policy"));
    const statements = policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
    const onCluster = statements.filter(({ Action }) => [Action].flat().includes("rds-data:ExecuteStatement"));
    const cluster = { "Fn::GetAtt": [expect.stringMatching("TenantsCluster"), "DBClusterArn"] };
    expect(onCluster.map(({ Resource }) => Resource)).toEqual([cluster, cluster]);
    expect(JSON.stringify(live.findResources("AWS::IAM::Policy"))).not.toContain("rds-data:");
  });
});

describe("a cluster for tenants", () => {
  test("stands in the account's own network, encrypted, backed up, with RDS's own secret and the Data API", () => {
    shared.hasResourceProperties("AWS::RDS::DBCluster", {
      DBClusterIdentifier: "cairn-production-tenants-shared",
      EngineVersion: "17.7",
      ManageMasterUserPassword: true,
      EnableHttpEndpoint: true,
      StorageEncrypted: true,
      DeletionProtection: true,
      BackupRetentionPeriod: 14,
      VpcSecurityGroupIds: ["sg-0a1b2c3d4e5f60718"],
    });
    shared.allResourcesProperties("AWS::RDS::DBInstance", { PubliclyAccessible: false });
    shared.resourceCountIs("AWS::EC2::VPC", 0);
  });

  test("is made only where a target asks for it", () => {
    live.resourceCountIs("AWS::RDS::DBCluster", 0);
  });
});

describe("what the store hears of the targets", () => {
  test("is one row for each environment and provider, in the form that the migrations read", () => {
    const rows = targetRows(fullStage).map((row) => stageTarget.parse(JSON.parse(JSON.stringify(row))));
    expect(rows.map(({ environment, provider }) => `${environment}/${provider}`)).toEqual([
      "development/aws",
      "staging/aws",
      "development/postgres",
      "staging/postgres",
      "production/aws",
    ]);
    expect(rows.at(-1)?.config).toMatchObject({
      region: "eu-central-1",
      accountId: "333344445555",
      roleArn: "arn:aws:iam::333344445555:role/cairn-production-target-live",
      lookRoleArn: "arn:aws:iam::333344445555:role/cairn-production-target-live-look",
      externalId: "made-up-for-live-0001",
      requestsPerSecond: 10,
      dbSubnetGroupName: "databases",
    });
    expect(rows[2]).toMatchObject({ config: { database: "tenants" }, cluster: "cairn-production-tenants-shared" });
  });

  test("is an existing cluster's address as the stage says it", () => {
    const [target] = fullStage.targets;
    if (target === undefined) throw new Error("the stage has no target");
    const cluster = {
      clusterArn: "arn:aws:rds:eu-west-1:222233334444:cluster:ours",
      adminSecretArn: "arn:aws:secretsmanager:eu-west-1:222233334444:secret:ours",
      host: "db.example.com",
      port: 5432,
      database: "tenants",
    };
    const tenants = { cluster: "existing" as const, environments: ["staging"], ...cluster };
    const rows = targetRows({ ...fullStage, targets: [{ ...target, tenants }] });
    expect(rows.find(({ provider }) => provider === "postgres")).toEqual({
      environment: "staging",
      provider: "postgres",
      config: {
        ...cluster,
        region: "eu-west-1",
        roleArn: "arn:aws:iam::222233334444:role/cairn-production-target-shared-tenants",
        lookRoleArn: "arn:aws:iam::222233334444:role/cairn-production-target-shared-tenants-look",
        externalId: "made-up-for-shared-01",
      },
    });
  });
});

/** What one role of the shared target is allowed, by the role's id in the template. */
function statementsOf(role: string): Statement[] {
  const policies = Object.entries(shared.findResources("AWS::IAM::Policy"));
  const [, policy] = policies.find(([id]) => id.startsWith(`${role}DefaultPolicy`)) ?? [];
  return policy?.Properties.PolicyDocument.Statement;
}

function actionsOf(target: Template): string[] {
  const policies = [
    ...Object.values(target.findResources("AWS::IAM::Policy")),
    ...Object.values(target.findResources("AWS::IAM::ManagedPolicy")),
  ];
  const statements = policies.flatMap(
    ({ Properties }) => Properties.PolicyDocument.Statement as { Action?: string | string[] }[],
  );
  return statements.flatMap(({ Action = [] }) => Action);
}
