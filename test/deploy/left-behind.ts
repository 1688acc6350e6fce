import {
  DescribeStacksCommand,
  paginateDescribeStackEvents,
  paginateDescribeStacks,
  type StackEvent,
} from "@aws-sdk/client-cloudformation";
import { ListPoliciesCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListSecretsCommand } from "@aws-sdk/client-secrets-manager";
import { ListStateMachinesCommand, SFNClient } from "@aws-sdk/client-sfn";
import type { Account } from "./account.ts";
import { ask } from "./signed.ts";

export async function stackId({ cloudFormation }: Account, StackName: string): Promise<string> {
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
  return Stacks[0]?.StackId ?? "";
}

/** Whether CloudFormation is changing something of a stack, or undoing it. */
export async function isChanging({ cloudFormation }: Account, StackName: string): Promise<boolean> {
  // Asked about one by name, it fails if there is none.
  for await (const { Stacks = [] } of paginateDescribeStacks({ client: cloudFormation }, {}))
    for (const { StackName: name, StackStatus = "" } of Stacks)
      if (name === StackName) return /(?<!^REVIEW)_IN_PROGRESS$/.test(StackStatus);
  return false;
}

/** All that happened to a stack, the latest first; by its id also when it is gone. */
export async function eventsOf({ cloudFormation }: Account, StackName: string): Promise<StackEvent[]> {
  const events: StackEvent[] = [];
  for await (const { StackEvents = [] } of paginateDescribeStackEvents({ client: cloudFormation }, { StackName }))
    events.push(...StackEvents);
  return events;
}

/** How each resource of a stack that is gone ended. */
export async function endsOf(account: Account, id: string): Promise<{ type: string; status: string }[]> {
  const ends = new Map<string, { type: string; status: string }>();
  for (const event of await eventsOf(account, id)) {
    const { LogicalResourceId = "", PhysicalResourceId, ResourceType = "", ResourceStatus = "" } = event;
    if (PhysicalResourceId !== id && !ends.has(LogicalResourceId))
      ends.set(LogicalResourceId, { type: ResourceType, status: ResourceStatus });
  }
  return [...ends.values()];
}

/** What of Cairn is there, asked of the services themselves. */
export async function leftIn({ client, iam, secrets, url }: Account): Promise<string[]> {
  const { Functions = [] } = await new LambdaClient(client).send(new ListFunctionsCommand({}));
  const { stateMachines = [] } = await new SFNClient(client).send(new ListStateMachinesCommand({}));
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({ IncludePlannedDeletion: false }));
  const { Roles = [] } = await iam.send(new ListRolesCommand({}));
  const { Policies = [] } = await iam.send(new ListPoliciesCommand({ Scope: "Local" }));
  const groups = await ask(url, "logs", "{}", "Logs_20140328.DescribeLogGroups");
  const rules = await ask(url, "events", "{}", "AWSEvents.ListRules");
  const databases = (action: string) => ask(url, "rds", `Action=${action}&Version=2014-10-31`);
  const found: { [what: string]: (string | undefined)[] } = {
    function: Functions.map(({ FunctionName }) => FunctionName),
    machine: stateMachines.map(({ name }) => name),
    secret: SecretList.map(({ Name }) => Name),
    role: Roles.map(({ RoleName }) => RoleName),
    policy: Policies.map(({ PolicyName }) => PolicyName),
    "log group": (JSON.parse(groups) as { logGroups: { logGroupName: string }[] }).logGroups
      .map(({ logGroupName }) => logGroupName)
      // MiniStack writes what a function prints without asking its role, and makes the group anew for one that still ran.
      .filter((name) => !name.startsWith("/aws/lambda/")),
    rule: (JSON.parse(rules) as { Rules: { Name: string }[] }).Rules.map(({ Name }) => Name),
    cluster: elements(await databases("DescribeDBClusters"), "DBClusterIdentifier"),
    snapshot: elements(await databases("DescribeDBClusterSnapshots"), "DBClusterIdentifier"),
  };
  return Object.entries(found).flatMap(([what, names]) =>
    names.filter((name) => /cairn/i.test(name ?? "")).map((name) => `${what} ${name}`),
  );
}

function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map(([, text = ""]) => text);
}
