import {
  GetRolePolicyCommand,
  type IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";

type Statement = { Action: string | string[] };
type Policy = { Statement: Statement[] };

/** Takes one action out of what a role is allowed, while `meanwhile` runs. */
export async function without<T>(
  iam: IAMClient,
  role: string,
  action: string,
  meanwhile: () => Promise<T>,
): Promise<T> {
  const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName: role }));
  const policies = await Promise.all(PolicyNames.map(async (name) => ({ name, policy: await read(iam, role, name) })));
  const affected = policies.filter(({ policy }) =>
    policy.Statement.some((statement) => actionsOf(statement).includes(action)),
  );
  if (affected.length === 0) throw new Error(`${role} is not allowed ${action}`);
  for (const { name, policy } of affected) await write(iam, role, name, { ...policy, Statement: less(policy, action) });
  try {
    return await meanwhile();
  } finally {
    for (const { name, policy } of affected) await write(iam, role, name, policy);
  }
}

function less({ Statement }: Policy, action: string): Statement[] {
  return Statement.map((one) => ({ ...one, Action: actionsOf(one).filter((other) => other !== action) })).filter(
    ({ Action }) => Action.length > 0,
  );
}

function actionsOf({ Action }: Statement): string[] {
  return [Action].flat();
}

async function read(iam: IAMClient, RoleName: string, PolicyName: string): Promise<Policy> {
  const { PolicyDocument = "" } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
  return JSON.parse(decodeURIComponent(PolicyDocument)) as Policy;
}

async function write(iam: IAMClient, RoleName: string, PolicyName: string, policy: Policy): Promise<void> {
  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument: JSON.stringify(policy) }));
}
