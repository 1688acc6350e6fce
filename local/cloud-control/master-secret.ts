import { randomUUID } from "node:crypto";
import { isObject, type JsonObject, textOf } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { randomPassword } from "../cloud/random-password.ts";
import { createSecret, purgeSecret, secretArn } from "../cloud/secrets.ts";

/** `ManageMasterUserPassword`: RDS makes the master password itself and keeps it in a secret of its own. */
export function makeMasterSecret(cloud: Cloud, typeName: string, model: JsonObject, at: number): JsonObject {
  if (!typeName.startsWith("AWS::RDS::") || model.ManageMasterUserPassword !== true) return model;
  const name = `rds!${typeName === "AWS::RDS::DBCluster" ? "cluster" : "db"}-${randomUUID()}`;
  const arn = secretArn(cloud, name);
  const password = randomPassword({ PasswordLength: 28, ExcludeCharacters: "/@\"' \\" });
  const secretString = JSON.stringify({ username: model.MasterUsername ?? "admin", password });
  const properties = { Description: "The secret associated with the primary RDS DB instance" };
  createSecret(cloud, { arn, name, madeBy: "rds", clientToken: null, at, properties, value: { secretString } });
  const given = isObject(model.MasterUserSecret) ? model.MasterUserSecret : {};
  return { ...model, MasterUserSecret: { ...given, SecretArn: arn } };
}

export function dropMasterSecret(cloud: Cloud, model: JsonObject, at: number): void {
  const arn = isObject(model.MasterUserSecret) ? textOf(model.MasterUserSecret.SecretArn) : undefined;
  if (model.ManageMasterUserPassword === true && arn !== undefined) purgeSecret(cloud, arn, at);
}
