import { DescribeStacksCommand, paginateDescribeStackEvents, type StackEvent } from "@aws-sdk/client-cloudformation";
import { ListPoliciesCommand, ListRolesCommand } from "@aws-sdk/client-iam";
import { LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import { ListSecretsCommand } from "@aws-sdk/client-secrets-manager";
import { ListStateMachinesCommand, SFNClient } from "@aws-sdk/client-sfn";
import type { Account } from "./account.ts";

export async function stackId({ cloudFormation }: Account, StackName: string): Promise<string> {
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
  return Stacks[0]?.StackId ?? "";
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

/** Functions, machines, secrets, roles and policies of Cairn that are there, asked of their own services. */
export async function leftIn({ client, iam, secrets }: Account): Promise<string[]> {
  const { Functions = [] } = await new LambdaClient(client).send(new ListFunctionsCommand({}));
  const { stateMachines = [] } = await new SFNClient(client).send(new ListStateMachinesCommand({}));
  const { SecretList = [] } = await secrets.send(new ListSecretsCommand({ IncludePlannedDeletion: false }));
  const { Roles = [] } = await iam.send(new ListRolesCommand({}));
  const { Policies = [] } = await iam.send(new ListPoliciesCommand({ Scope: "Local" }));
  const names = [
    ...Functions.map(({ FunctionName }) => FunctionName),
    ...stateMachines.map(({ name }) => name),
    ...SecretList.map(({ Name }) => Name),
    ...Roles.map(({ RoleName }) => RoleName),
    ...Policies.map(({ PolicyName }) => PolicyName),
  ];
  return names.filter((name): name is string => /^cairn-/i.test(name ?? ""));
}
