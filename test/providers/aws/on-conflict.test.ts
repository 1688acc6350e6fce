import type { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { expect, test } from "vitest";
import type { ProviderCall } from "../../../core/provider.ts";
import { createAwsProvider } from "../../../providers/aws/aws-provider.ts";
import { ownerTag } from "../../../providers/aws/tags.ts";
import { schemaOf } from "../../simulation/kinds.ts";

// The simulated cloud of one machine never says what a running create makes; AWS does for some types (law F2).

const kind = "Sim::Pool::Made";
const tagOf = (resource: string) => [{ Key: ownerTag, Value: resource }];
const call: ProviderCall = {
  resourceId: "resource-1",
  team: "payments",
  service: "orders",
  environment: "staging",
  name: "users",
  kind,
  externalName: "orders-users",
  identifier: null,
  desired: { Name: "orders-users", Tags: tagOf("resource-1") },
  target: {},
  token: "token",
  request: null,
  tokenAgeSeconds: 600,
  sentHash: null,
  applied: [],
  signal: new AbortController().signal,
};

/** A cloud that refuses the token, and in which creates of this type run, each with what a read of its object shows. */
function cloudWith(creates: readonly { makes: string; shows: string | null }[]): CloudControlClient {
  const refused = (name: string) => Object.assign(new Error(name), { name, $metadata: { httpStatusCode: 400 } });
  const answers: { [command: string]: (input: { Identifier?: string }) => object } = {
    CreateResourceCommand: () => {
      throw refused("ClientTokenConflictException");
    },
    ListResourceRequestsCommand: () => ({
      ResourceRequestStatusSummaries: creates.map(({ makes }, index) => ({
        TypeName: kind,
        Operation: "CREATE",
        OperationStatus: "IN_PROGRESS",
        RequestToken: `request-${index}`,
        Identifier: makes,
      })),
    }),
    GetResourceCommand: ({ Identifier = "" }) => {
      const shows = creates.find(({ makes }) => makes === Identifier)?.shows ?? null;
      if (shows === null) throw refused("ResourceNotFoundException");
      return { ResourceDescription: { Identifier, Properties: JSON.stringify({ Tags: tagOf(shows) }) } };
    },
  };
  const send = async (command: { constructor: { name: string }; input: { Identifier?: string } }) =>
    answers[command.constructor.name]?.(command.input);
  return { send } as unknown as CloudControlClient;
}

test.each([
  [
    "nobody can read yet",
    [{ makes: "made-1", shows: null }],
    { outcome: "unknown", failure: { code: "TOKEN_CONFLICT" } },
  ],
  [
    "is its own",
    [{ makes: "made-1", shows: "resource-1" }],
    { outcome: "accepted", request: "request-0", identifier: "made-1" },
  ],
  [
    "is another's",
    [{ makes: "made-1", shows: "resource-2" }],
    { outcome: "rejected", failure: { code: "TOKEN_SPENT" } },
  ],
  [
    "is another's, and one that nobody can read",
    [
      { makes: "made-1", shows: "resource-2" },
      { makes: "made-2", shows: null },
    ],
    { outcome: "unknown", failure: { code: "TOKEN_CONFLICT" } },
  ],
] as const)("a token in conflict, and a running create of what %s", async (_what, creates, outcome) => {
  const provider = createAwsProvider({ clientFor: () => cloudWith(creates), readSchema: schemaOf });
  expect(await provider.apply(call, { state: "absent" })).toMatchObject(outcome);
});
