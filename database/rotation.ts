import { createHash, randomBytes } from "node:crypto";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import { type Database, StoreUnavailable } from "./data-api.ts";
import { changeOwnPassword, ensureLogin } from "./roles.ts";

// Secrets Manager's four steps, each of which may be repeated, after a crash at any point of it too. Two logins take turns for
// each role, so the one that functions use is never touched: what they hold stays good until the rotation after this one.
// The owner has one login, whose password changes in place (ADR 0011).

export type Rotation = {
  secrets: SecretsManagerClient;
  /** The store under the login that a secret holds. */
  under: (secretArn: string, pauses?: readonly number[]) => Database;
  ownerSecretArn: string;
  /** What the names of short-lived secrets begin with. */
  trialPrefix: string;
};

/** One version of one secret; `token` is the version's id. */
export type Turn = { secretArn: string; token: string };

const login = z.looseObject({ username: z.string().min(1), password: z.string().min(1) });
type Login = z.infer<typeof login>;

/** Writes down what the next login is to be, before anything else knows of it. */
export async function createSecret(rotation: Rotation, turn: Turn): Promise<void> {
  const { secrets, ownerSecretArn } = rotation;
  if ((await currentVersion(rotation, turn)) === turn.token) return;
  if ((await readLogin(rotation, turn.secretArn, turn.token)) !== null) return;
  const current = await readLogin(rotation, turn.secretArn);
  if (current === null) throw new Error("The secret has no current version.");
  const username = turn.secretArn === ownerSecretArn ? current.username : otherLogin(current.username);
  await secrets
    .send(
      new PutSecretValueCommand({
        SecretId: turn.secretArn,
        ClientRequestToken: turn.token,
        VersionStages: ["AWSPENDING"],
        SecretString: JSON.stringify({ ...current, username, password: randomBytes(24).toString("base64url") }),
      }),
    )
    // Another run of this step was faster, and what it wrote is as good.
    .catch(unlessNamed("ResourceExistsException"));
}

/** Gives the database the next login, by a verifier: the password does not travel. */
export async function setSecret(rotation: Rotation, turn: Turn): Promise<void> {
  if ((await currentVersion(rotation, turn)) === turn.token) return;
  const next = await pendingLogin(rotation, turn);
  // An earlier run got so far. The owner's current password opens nothing any more then, so this comes first.
  if (await opens(rotation, turn, next)) return;
  const owner = rotation.under(rotation.ownerSecretArn);
  if (turn.secretArn === rotation.ownerSecretArn) await changeOwnPassword(owner, next.username, next.password);
  else await ensureLogin(owner, roleOf(next.username), next.username, next.password);
}

/**
 * Before anybody uses it. A secret whose rotation is only being set up gets this step alone, with a version that has no login of
 * its own: then that the current one opens the store is all there is to say.
 *
 * @throws {Error} when the next login does not open the store, or opens it with fewer rights than its role has
 */
export async function testSecret(rotation: Rotation, turn: Turn): Promise<void> {
  if ((await currentVersion(rotation, turn)) === turn.token) return;
  const next = await readLogin(rotation, turn.secretArn, turn.token);
  const current = await readLogin(rotation, turn.secretArn);
  if (next === null || next.password === current?.password) {
    await rotation.under(turn.secretArn).rows("select 'true'::jsonb");
  } else if (!(await opens(rotation, turn, next))) {
    throw new Error("The new login does not open the store.");
  }
}

/** From here on every call of the Data API comes in under the new login. */
export async function finishSecret(rotation: Rotation, turn: Turn): Promise<void> {
  const current = await currentVersion(rotation, turn);
  if (current !== turn.token) {
    await pendingLogin(rotation, turn);
    await rotation.secrets.send(
      new UpdateSecretVersionStageCommand({
        SecretId: turn.secretArn,
        VersionStage: "AWSCURRENT",
        MoveToVersionId: turn.token,
        RemoveFromVersionId: current,
      }),
    );
  }
  await rotation.secrets
    .send(new DeleteSecretCommand({ SecretId: trialName(rotation, turn), ForceDeleteWithoutRecovery: true }))
    .catch(unlessNamed("ResourceNotFoundException"));
}

/** `cairn_api` and `cairn_api_clone` take turns; the first is the role that rights are granted to, the other its member. */
function otherLogin(username: string): string {
  return username === roleOf(username) ? `${username}_clone` : roleOf(username);
}

function roleOf(username: string): string {
  return username.replace(/_clone$/, "");
}

/**
 * Whether a login that is in no secret's current version opens the store. The Data API takes a secret's ARN and no version, so
 * the login is tried under a secret of its own, which nothing has cached and which `finishSecret` deletes.
 */
async function opens(rotation: Rotation, turn: Turn, next: Login): Promise<boolean> {
  const { KmsKeyId } = await describe(rotation, turn);
  const trial = await rotation.secrets.send(
    new CreateSecretCommand({
      Name: trialName(rotation, turn),
      ClientRequestToken: turn.token,
      Description: "A login that is tried before it is used",
      SecretString: JSON.stringify(next),
      ...(KmsKeyId === undefined ? {} : { KmsKeyId }),
    }),
  );
  try {
    const [found] = await rotation
      .under(trial.ARN ?? "", [])
      .rows<{ login: string; member: boolean }>(
        "select jsonb_build_object('login', current_user, 'member', pg_has_role(current_user, :role, 'usage'))",
        { role: roleOf(next.username) },
      );
    return found?.login === next.username && found.member;
  } catch (error) {
    // Refused at the door, or no such role yet. A store that is away is neither and ends the step.
    if (error instanceof StoreUnavailable && /SQLState: 28/.test(String((error.cause as Error)?.message))) return false;
    throw error;
  }
}

/** Short, because the Data API's reference gives an ARN 100 characters at most. */
function trialName({ trialPrefix }: Rotation, { token }: Turn): string {
  return trialPrefix + createHash("sha256").update(token).digest("hex").slice(0, 6);
}

async function pendingLogin(rotation: Rotation, { secretArn, token }: Turn): Promise<Login> {
  const pending = await readLogin(rotation, secretArn, token);
  if (pending === null) throw new Error("The secret's new version holds no login yet.");
  return pending;
}

/** null: the version has no value. */
async function readLogin({ secrets }: Rotation, secretArn: string, token?: string): Promise<Login | null> {
  const version = token === undefined ? {} : { VersionId: token };
  const answer = await secrets
    .send(new GetSecretValueCommand({ SecretId: secretArn, ...version }))
    .catch(unlessNamed("ResourceNotFoundException"));
  return answer === undefined ? null : login.parse(JSON.parse(answer.SecretString ?? "null"));
}

/** @throws {Error} when the secret has no such version, or has moved on from it */
async function currentVersion(rotation: Rotation, turn: Turn): Promise<string | undefined> {
  const { VersionIdsToStages: stages = {} } = await describe(rotation, turn);
  const holder = (stage: string) => Object.keys(stages).find((version) => stages[version]?.includes(stage));
  const current = holder("AWSCURRENT");
  if (current !== turn.token && holder("AWSPENDING") !== turn.token)
    throw new Error("The secret is not being rotated to this version.");
  return current;
}

function describe({ secrets }: Rotation, { secretArn }: Turn): Promise<DescribeSecretResponse> {
  return secrets.send(new DescribeSecretCommand({ SecretId: secretArn }));
}

function unlessNamed(name: string): (error: Error) => undefined {
  return (error) => {
    if (error.name !== name) throw error;
  };
}
