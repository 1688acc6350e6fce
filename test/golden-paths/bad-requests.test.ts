import { expect, test } from "vitest";
import type { ResolveInput, ResourceRequest } from "../../core/definition.ts";
import type { JsonObject } from "../../core/json.ts";
import { awsKindSchemas } from "../../golden-paths/aws-kind-schemas.ts";
import { loadGoldenPaths } from "../../golden-paths/load-golden-paths.ts";
import { inputFor, targets } from "./inputs.ts";

const paths = loadGoldenPaths(new URL("../../golden-paths/", import.meta.url), awsKindSchemas());

const dead = "${resources.dead.outputs.arn}";

type Row = {
  reason: string;
  request: ResourceRequest;
  more?: Partial<ResolveInput>;
  pointer: string;
  message: RegExp;
};

const withoutTarget = (provider: "aws" | "postgres", name: string): Partial<ResolveInput> => ({
  targets: {
    ...targets,
    [provider]: Object.fromEntries(Object.entries(targets[provider]).filter(([key]) => key !== name)),
  },
});
const parsed = (text: string): JsonObject => JSON.parse(text) as JsonObject;

const rows: Row[] = [
  {
    reason: "unknown type",
    request: { type: "mysql" },
    pointer: "/type",
    message: /not a resource type; there are bucket, /,
  },
  {
    reason: "a type named like a built-in",
    request: { type: "constructor" },
    pointer: "/type",
    message: /not a resource type/,
  },
  {
    reason: "unknown version",
    request: { type: "redis", version: 2 },
    pointer: "/version",
    message: /redis has the versions 1/,
  },
  {
    reason: "unknown class",
    request: { type: "redis", class: "huge" },
    pointer: "/class",
    message: /small, medium, large/,
  },
  {
    reason: "a class named like a built-in",
    request: { type: "redis", class: "__proto__" },
    pointer: "/class",
    message: /one of/,
  },
  {
    reason: "a class where there are none",
    request: { type: "bucket", class: "small" },
    pointer: "/class",
    message: /no classes/,
  },
  {
    reason: "unknown parameter",
    request: { type: "topic", parameters: { "par/titions~": 6 } },
    pointer: "/parameters/par~1titions~0",
    message: /not a parameter; there are .*partitions/,
  },
  {
    reason: "__proto__ as a parameter",
    request: { type: "topic", parameters: parsed('{"__proto__": {"partitions": 6}}') },
    pointer: "/parameters/__proto__",
    message: /not a parameter/,
  },
  {
    reason: "constructor as a parameter",
    request: { type: "topic", parameters: parsed('{"constructor": {"prototype": {"polluted": true}}}') },
    pointer: "/parameters/constructor",
    message: /not a parameter/,
  },
  {
    reason: "a number sent as text is not coerced",
    request: { type: "topic", parameters: { partitions: "6" } },
    pointer: "/parameters/partitions",
    message: /must be integer/,
  },
  {
    reason: "out of range",
    request: { type: "topic", parameters: { partitions: 0 } },
    pointer: "/parameters/partitions",
    message: /must be >= 1/,
  },
  {
    reason: "null is no value",
    request: { type: "topic", parameters: { partitions: null } },
    pointer: "/parameters/partitions",
    message: /must be integer/,
  },
  {
    reason: "not one of the values",
    request: { type: "bucket", parameters: { versioning: "enabled" } },
    pointer: "/parameters/versioning",
    message: /must be one of "Enabled", "Suspended"/,
  },
  {
    reason: "a required parameter is missing",
    request: { type: "parameter" },
    pointer: "/parameters/value",
    message: /is required/,
  },
  {
    reason: "wrong inside a parameter that is an object",
    request: { type: "queue", parameters: { deadLetter: { deadLetterTargetArn: dead, maxReceiveCount: 0 } } },
    pointer: "/parameters/deadLetter/maxReceiveCount",
    message: /must be >= 1/,
  },
  {
    reason: "unknown inside a parameter that is an object",
    request: { type: "queue", parameters: { deadLetter: { deadLetterTargetArn: dead, maxReceiveCount: 3, x: 1 } } },
    pointer: "/parameters/deadLetter/x",
    message: /not known/,
  },
  {
    reason: "another team's queue for dead letters",
    request: {
      type: "queue",
      parameters: {
        deadLetter: { deadLetterTargetArn: "arn:aws:sqs:eu-central-1:111122223333:theirs", maxReceiveCount: 3 },
      },
    },
    pointer: "/parameters/deadLetter/deadLetterTargetArn",
    message: /must match pattern/,
  },
  {
    reason: "protection has to be known now",
    request: { type: "bucket", parameters: { deletionProtection: "${resources.db.outputs.port}" } },
    pointer: "/parameters/deletionProtection",
    message: /must be true or false/,
  },
  {
    reason: "a template that is no reference, in a parameter",
    request: { type: "parameter", parameters: { value: "${target.accountId}" } },
    pointer: "/parameters/value",
    message: /no other \$\{/,
  },
  {
    reason: "a template that is no reference, deep in an override",
    request: { type: "queue", overrides: { Tags: [{ Key: "a", Value: "${attributes.Arn}" }] } },
    pointer: "/overrides/Tags/0/Value",
    message: /no other \$\{/,
  },
  {
    reason: "the platform team set no such target value",
    request: { type: "topic" },
    more: withoutTarget("aws", "kafkaClusterArn"),
    pointer: "/type",
    message: /the platform team has to set kafkaClusterArn on the target aws of the environment staging/,
  },
  {
    reason: "the platform team set no such target",
    request: { type: "postgres" },
    more: { targets: { aws: targets.aws } },
    pointer: "/type",
    message: /the platform team has to set the target postgres of the environment staging/,
  },
  {
    reason: "the platform team set a target value that the provider refuses",
    request: { type: "redis" },
    more: { targets: { ...targets, aws: { ...targets.aws, subnetIds: "subnet-1" } } },
    pointer: "/type",
    message: /AWS::ElastiCache::ServerlessCache would refuse \/SubnetIds: .*platform team/,
  },
  {
    reason: "a name that the provider keeps for itself",
    request: { type: "parameter", parameters: { value: "on" } },
    more: { service: "aws-bridge" },
    pointer: "",
    message: /no name that begins with aws/,
  },
  {
    reason: "more than 32 KiB",
    request: { type: "queue", overrides: { RedriveAllowPolicy: { note: "é".repeat(17_000) } } },
    pointer: "",
    message: /at most 32768/,
  },
];

test.each(rows)("$reason: refused at $pointer", ({ request, more, pointer, message }) => {
  const result = paths.resolve(inputFor(request, more));
  expect(result).toEqual({
    ok: false,
    errors: [{ pointer: `/resources/it${pointer}`, message: expect.stringMatching(message) }],
  });
});

test("everything wrong with a request is said at once", () => {
  const request = {
    type: "topic",
    class: "small",
    parameters: { partitions: 0, x: 1 },
    overrides: { Configs: "${x}" },
  };
  const result = paths.resolve(inputFor(request));
  expect(result.ok ? [] : result.errors.map(({ pointer }) => pointer).sort()).toEqual([
    "/resources/it/class",
    "/resources/it/overrides/Configs",
    "/resources/it/parameters/partitions",
    "/resources/it/parameters/x",
  ]);
});

const references: Row["request"][] = [
  { type: "parameter", parameters: { value: "${resources.db.outputs.url}" } },
  { type: "parameter", parameters: { value: "db=${resources.db.outputs.url};x=${resources.x.outputs.y}" } },
  { type: "topic", parameters: { partitions: "${resources.other.outputs.partitions}" } },
  { type: "bucket", parameters: { versioning: "${resources.other.outputs.versioning}" } },
  { type: "queue", overrides: { VisibilityTimeout: "${resources.other.outputs.seconds}" } },
  { type: "queue", overrides: { KmsMasterKeyId: "${resources.key.outputs.arn}" } },
];

test.each(references)("a reference passes where the value is not known yet, and stays as written: %j", (request) => {
  const result = paths.resolve(inputFor(request));
  expect(result).toMatchObject({ ok: true });
  const written = JSON.stringify(request).match(/\$\{[^}]*\}/g) ?? [];
  if (result.ok) for (const text of written) expect(JSON.stringify(result.definition.properties)).toContain(text);
});

test("a reference excuses nothing beside it", () => {
  const overrides = { VisibilityTimeout: "${resources.other.outputs.seconds}", DelaySeconds: "soon" };
  const result = paths.resolve(inputFor({ type: "queue", overrides }));
  expect(result.ok ? [] : result.errors.map(({ pointer }) => pointer)).toEqual([
    "/resources/it/overrides/DelaySeconds",
  ]);
});
