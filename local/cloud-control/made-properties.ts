import { createHash } from "node:crypto";
import type { AwsSchema, PropertySchema } from "../../aws-schemas/aws-schema.ts";
import { modelPattern } from "../../aws-schemas/pointers.ts";
import { primaryIdentifierOf, resolveRef } from "../../aws-schemas/resource-model.ts";
import { isObject, type Json, type JsonObject, textOf } from "../cloud/json.ts";

/** What the service knows when it makes an object. `seed` makes what is random: the same for the same request. */
export type Making = { region: string; accountId: string; at: number; seed: string };

/** The wanted properties with all that the service sets itself: identifier, ARN, endpoint, status. */
export function madeProperties(schema: AwsSchema, wanted: JsonObject, making: Making): JsonObject {
  const [, service = "", resource = ""] = schema.typeName.split("::");
  const named = withName(schema, wanted, making, resource);
  const model = structuredClone(named);
  Object.assign(model, specific[schema.typeName]?.(named, making) ?? {});
  for (const pattern of [...(schema.readOnlyProperties ?? []), ...schema.primaryIdentifier]) {
    fillIn(schema, model, modelPattern(pattern).split("/").slice(1), { service, resource, making });
  }
  return model;
}

/**
 * What AWS holds unique for this object before it is made: the identifier where the caller's properties make it, the name
 * where the identifier carries something random.
 */
export function uniqueNameOf(schema: AwsSchema, model: JsonObject): string {
  if (schema.typeName === "AWS::SecretsManager::Secret") return String(model.Name);
  return primaryIdentifierOf(schema, model) ?? "";
}

/** A caller who gives no name gets one from the service. */
function withName(schema: AwsSchema, wanted: JsonObject, making: Making, resource: string): JsonObject {
  const property = nameProperty(schema, resource);
  if (property === undefined || textOf(wanted[property]) !== undefined) return wanted;
  const name = `${resource.toLowerCase()}-${hex(making.seed, "name", 12)}`;
  return { ...wanted, [property]: wanted.FifoQueue === true ? `${name}.fifo` : name };
}

function nameProperty(schema: AwsSchema, resource: string): string | undefined {
  const readOnly = new Set((schema.readOnlyProperties ?? []).map(modelPattern));
  const writable = [...schema.primaryIdentifier, ...(schema.createOnlyProperties ?? [])]
    .map((pattern) => modelPattern(pattern).slice(1))
    .filter((name) => !readOnly.has(`/${name}`) && resolveRef(schema, schema.properties[name] ?? {}).type === "string");
  const primary = writable.find((name) => schema.primaryIdentifier.includes(`/properties/${name}`));
  return writable.find((name) => name === "Name" || name === `${resource}Name`) ?? primary;
}

/** The formats that people and programs take apart. Every other type follows the general rule below. */
const specific: { [typeName: string]: (model: JsonObject, making: Making) => JsonObject } = {
  "AWS::S3::Bucket": ({ BucketName: name }, { region }) => ({
    Arn: `arn:aws:s3:::${name}`,
    DomainName: `${name}.s3.amazonaws.com`,
    DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
    RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
    WebsiteURL: `http://${name}.s3-website-${region}.amazonaws.com`,
  }),
  "AWS::SQS::Queue": ({ QueueName: name }, { region, accountId }) => ({
    QueueUrl: `https://sqs.${region}.amazonaws.com/${accountId}/${name}`,
    Arn: `arn:aws:sqs:${region}:${accountId}:${name}`,
  }),
  "AWS::SSM::Parameter": ({ Name: name, DataType: type }, { region, accountId }) => ({
    Arn: `arn:aws:ssm:${region}:${accountId}:parameter/${String(name).replace(/^\//, "")}`,
    DataType: type ?? "text",
  }),
  "AWS::SecretsManager::Secret": ({ Name: name }, { region, accountId, seed }) => ({
    // Six random characters, so that a deleted secret's policies do not fit its successor.
    Id: `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-${hex(seed, "secret", 6)}`,
  }),
  "AWS::ElastiCache::ServerlessCache": ({ ServerlessCacheName: name, Engine: engine, ...model }, making) => {
    const host = (role: string) =>
      `${name}${role}-${hex(making.seed, "cache", 6)}.serverless.${shortRegion(making.region)}.cache.amazonaws.com`;
    const port = engine === "memcached" ? "11211" : "6379";
    return {
      ARN: `arn:aws:elasticache:${making.region}:${making.accountId}:serverlesscache:${name}`,
      Status: "available",
      Endpoint: { Address: host(""), Port: port },
      ReaderEndpoint: { Address: host("-ro"), Port: engine === "memcached" ? "11211" : "6380" },
      FullEngineVersion: `${model.MajorEngineVersion ?? (engine === "memcached" ? "1.6" : "8")}.0`,
    };
  },
  "AWS::MSK::Topic": ({ ClusterArn: cluster, TopicName: name }) => ({
    TopicArn: `${String(cluster).replace(":cluster/", ":topic/")}/${name}`,
  }),
  "AWS::RDS::DBInstance": (model, making) => {
    const id = String(model.DBInstanceIdentifier);
    const port = model.Port ?? defaultPort(String(model.Engine ?? "postgres"));
    const zone = hex(making.accountId + making.region, "rds", 12);
    const address = `${id}.${zone}.${making.region}.rds.amazonaws.com`;
    return {
      DBInstanceArn: `arn:aws:rds:${making.region}:${making.accountId}:db:${id}`,
      DbiResourceId: `db-${hex(making.seed, "dbi", 26).toUpperCase()}`,
      DBInstanceStatus: "available",
      Port: String(port),
      Endpoint: { Address: address, Port: String(port), HostedZoneId: `Z${hex(zone, "zone", 13).toUpperCase()}` },
    };
  },
  "AWS::RDS::DBCluster": (model, making) => {
    const id = String(model.DBClusterIdentifier);
    const port = String(model.Port ?? defaultPort(String(model.Engine ?? "postgres")));
    const address = (kind: string) =>
      `${id}.${kind}-${hex(making.accountId + making.region, "rds", 12)}.${making.region}.rds.amazonaws.com`;
    return {
      DBClusterArn: `arn:aws:rds:${making.region}:${making.accountId}:cluster:${id}`,
      DBClusterResourceId: `cluster-${hex(making.seed, "cluster", 26).toUpperCase()}`,
      Endpoint: { Address: address("cluster"), Port: port },
      ReadEndpoint: { Address: address("cluster-ro") },
    };
  },
  "AWS::DynamoDB::Table": ({ TableName: name }, { region, accountId }) => ({
    Arn: `arn:aws:dynamodb:${region}:${accountId}:table/${name}`,
  }),
};

function defaultPort(engine: string): number {
  if (engine.includes("mysql") || engine.includes("maria")) return 3306;
  if (engine.startsWith("oracle")) return 1521;
  return engine.startsWith("sqlserver") ? 1433 : 5432;
}

/** `eu-west-1` is `euw1` in a cache's host name. */
function shortRegion(region: string): string {
  const [area = "", side = "", number = ""] = region.split("-");
  return `${area}${side.charAt(0)}${number}`;
}

type Words = { service: string; resource: string; making: Making };

function fillIn(schema: AwsSchema, model: JsonObject, path: string[], words: Words): void {
  let parent: JsonObject = model;
  let part: PropertySchema = { properties: schema.properties };
  for (const [depth, name] of path.entries()) {
    const properties = resolveRef(schema, part).properties ?? {};
    const next = properties[name];
    if (next === undefined) return;
    part = next;
    if (depth === path.length - 1) {
      const made = parent[name] ?? valueFor(schema, name, resolveRef(schema, part), model, words);
      if (made !== undefined) parent[name] = made;
      return;
    }
    // An object comes into being with what the service puts in it only where nothing else could be in it.
    const below = path.slice(0, depth + 1).join("/");
    const child = parent[name] ?? (holdsReadOnlyOnly(schema, part, below) ? {} : undefined);
    if (!isObject(child)) return;
    parent[name] = child;
    parent = child;
  }
}

function holdsReadOnlyOnly(schema: AwsSchema, part: PropertySchema, path: string): boolean {
  const readOnly = new Set(schema.readOnlyProperties ?? []);
  const names = Object.keys(resolveRef(schema, part).properties ?? {});
  return names.length > 0 && names.every((name) => readOnly.has(`/properties/${path}/${name}`));
}

function valueFor(
  schema: AwsSchema,
  name: string,
  part: PropertySchema,
  model: JsonObject,
  { service, resource, making }: Words,
): Json | undefined {
  if (part.enum?.[0] !== undefined) return part.enum[0];
  const number = part.type === "integer" || part.type === "number";
  // A number the service makes up is wanted where it identifies the object, and guessed nowhere else.
  if (number && schema.primaryIdentifier.includes(`/properties/${name}`))
    return Number.parseInt(hex(making.seed, name, 6), 16);
  if (![part.type].flat().includes("string")) return undefined;
  const own = model[nameProperty(schema, resource) ?? ""];
  const id = textOf(own) ?? `${resource.toLowerCase()}-${hex(making.seed, name, 17)}`;
  const arn = `arn:aws:${service.toLowerCase()}:${making.region}:${making.accountId}:${resource.toLowerCase()}/${id}`;
  const time = new Date(making.at).toISOString();
  const random = hex(making.seed, name, 32);
  const uuid = random.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  const digits = String(BigInt(`0x${random}`)).slice(0, 12);
  const likely = /arn$/i.test(name)
    ? arn
    : /([tT]ime|[dD]ate|At)$/.test(name)
      ? time
      : /status|state$/i.test(name)
        ? "ACTIVE"
        : id;
  const fits = (text: string) => matches(part, text);
  const candidates = [likely, id, `${resource.toLowerCase()}-${random.slice(0, 17)}`, arn, uuid, random, digits, time];
  return candidates.find(fits) ?? likely.slice(0, part.maxLength ?? likely.length);
}

function matches(
  { pattern, minLength = 0, maxLength = Number.POSITIVE_INFINITY }: PropertySchema,
  text: string,
): boolean {
  if (text.length < minLength || text.length > maxLength) return false;
  try {
    return pattern === undefined || new RegExp(pattern).test(text);
  } catch {
    return true;
  }
}

/** Lower-case letters and digits that look random and are the same for the same seed and purpose. */
function hex(seed: string, purpose: string, length: number): string {
  return createHash("sha256").update(`${seed}\0${purpose}`).digest("hex").slice(0, length);
}
