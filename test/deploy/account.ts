import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from "@aws-sdk/client-iam";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { signers } from "../support/bad-tokens.ts";
import { removeLeftovers } from "../support/leftovers.ts";
import { freePort } from "../support/npm-start.ts";
import { cdkIn } from "./cdk.ts";
import { makeCertificate } from "./certificate.ts";
import { startIssuer } from "./issuer.ts";
import { accountId, pipeline, region, root } from "./place.ts";
import { python } from "./python.ts";
import { openRooms, tenantsAdmin } from "./rooms.ts";
import { startMiniStack } from "./start-ministack.ts";

const prefix = "cairn deploy ";

export type Account = Awaited<ReturnType<typeof openAccount>>;

/** An account of the emulator with an administrator and a pipeline's role in it, an identity provider, and a cluster for tenants. */
export async function openAccount() {
  await removeLeftovers(prefix, "rooms/postgres/data");
  const folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`));
  const opened: { close(): Promise<void> }[] = [];
  const close = async () => {
    for (const part of opened.reverse()) await part.close();
    rmSync(folder, { recursive: true, force: true });
  };
  const open = async <Part extends { close(): Promise<void> }>(part: Promise<Part>): Promise<Part> => {
    opened.push(await part);
    return part;
  };
  const within = (name: string) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  };

  try {
    const interpreter = python();
    const certificate = makeCertificate(interpreter, folder);
    const keys = await signers();
    const issuer = await open(startIssuer(folder, certificate, keys.trustedKeys));
    const port = await freePort();
    const client = { endpoint: `https://127.0.0.1:${port}`, region, credentials: root };
    const secrets = new SecretsManagerClient(client);
    const rooms = await open(openRooms(within("rooms"), secrets));
    const emulator = { python: interpreter, folder: within("ministack"), port, certificate, ...rooms };
    const { url } = await open(startMiniStack(emulator));

    const iam = new IAMClient(client);
    const administrator = await makeAdministrator(iam);
    await makePipeline(iam);
    const cdk = cdkIn({
      folder: within("cdk"),
      endpoint: url,
      certificateFile: certificate.certificateFile,
      credentials: administrator,
    });
    const { ARN: adminSecretArn = "" } = await secrets.send(
      new CreateSecretCommand({ Name: "tenants-admin", SecretString: JSON.stringify(tenantsAdmin) }),
    );
    const { host, port: postgresPort } = rooms.postgres;
    return {
      url,
      issuer,
      signers: keys,
      administrator,
      cdk,
      rooms,
      app: { issuer: issuer.issuer, tenants: { adminSecretArn, host, port: postgresPort } },
      client,
      iam,
      secrets,
      cloudFormation: new CloudFormationClient(client),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function makeAdministrator(iam: IAMClient): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const UserName = "administrator";
  await iam.send(new CreateUserCommand({ UserName }));
  const everything = { Effect: "Allow", Action: "*", Resource: "*" };
  const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement: [everything] });
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: "everything", PolicyDocument }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? "", secretAccessKey: AccessKey?.SecretAccessKey ?? "" };
}

/** A role that whoever may take roles on can take on, and that is allowed to take on others. */
async function makePipeline(iam: IAMClient): Promise<void> {
  const policy = (statement: object) => JSON.stringify({ Version: "2012-10-17", Statement: [statement] });
  const trust = { Effect: "Allow", Action: "sts:AssumeRole", Principal: { AWS: `arn:aws:iam::${accountId}:root` } };
  await iam.send(new CreateRoleCommand({ RoleName: pipeline, AssumeRolePolicyDocument: policy(trust) }));
  const PolicyDocument = policy({ Effect: "Allow", Action: "sts:AssumeRole", Resource: "*" });
  await iam.send(new PutRolePolicyCommand({ RoleName: pipeline, PolicyName: "roles", PolicyDocument }));
}
