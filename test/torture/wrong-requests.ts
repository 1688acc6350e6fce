import { randomUUID } from "node:crypto";
import type { InsistentCaller, Reply } from "./insistent-caller.ts";
import type { Accepted, Place } from "./record.ts";

type Means = {
  place: Place;
  /** The last intent that was accepted; none yet in a new service. */
  known: Accepted | undefined;
  ask: InsistentCaller;
  viewer: InsistentCaller;
  stranger: InsistentCaller;
  nobody: InsistentCaller;
};

export type WrongRequest = { name: string; expected: number; send(means: Means): Promise<Reply> };

const intents = "/v1/intents";
const bucket = { files: { type: "bucket" } };

/** Each is refused, and nothing of it is left: an intent more in the store is a disagreement at the end. */
export const wrongRequests: readonly WrongRequest[] = [
  {
    name: "a key is missing",
    expected: 400,
    send: ({ place, ask }) => ask("POST", intents, { action: "apply", ...place, resources: bucket }),
  },
  {
    name: "a key comes with another payload",
    expected: 422,
    async send({ place, known, ask }) {
      const other = { action: "apply", ...place, resources: { "another-payload": { type: "secret" } } };
      if (known !== undefined) return ask("POST", intents, other, known.key);
      return { status: 422, text: "nothing was accepted yet", replayed: false };
    },
  },
  {
    name: "an unknown type",
    expected: 400,
    send: ({ place, ask }) =>
      ask("POST", intents, { action: "apply", ...place, resources: { x: { type: "mainframe" } } }, randomUUID()),
  },
  {
    name: "no JSON",
    expected: 400,
    send: ({ ask }) => ask("POST", intents, '{"action": "apply", ', randomUUID()),
  },
  {
    name: "an unknown environment",
    expected: 400,
    send: ({ place, ask }) =>
      ask("POST", intents, { action: "apply", ...place, environment: "moon", resources: bucket }, randomUUID()),
  },
  {
    name: "a reference to nothing",
    expected: 400,
    send({ place, ask }) {
      const lost = { type: "parameter", parameters: { value: "${resources.nowhere.outputs.url}" } };
      return ask("POST", intents, { action: "apply", ...place, resources: { lost } }, randomUUID());
    },
  },
  {
    name: "a deletion of nothing",
    expected: 400,
    send: ({ place, ask }) =>
      ask("POST", intents, { action: "delete", ...place, resources: { nowhere: {} } }, randomUUID()),
  },
  {
    name: "an override of the platform's",
    expected: 403,
    send({ place, ask }) {
      const open = { type: "bucket", overrides: { PublicAccessBlockConfiguration: { BlockPublicAcls: false } } };
      return ask("POST", intents, { action: "apply", ...place, resources: { open } }, randomUUID());
    },
  },
  {
    name: "a viewer's intent",
    expected: 403,
    send: ({ place, viewer }) =>
      viewer("POST", intents, { action: "apply", ...place, resources: bucket }, randomUUID()),
  },
  {
    name: "another team's intent",
    expected: 404,
    send: ({ place, stranger }) => stranger("POST", intents, { action: "delete", ...place }, randomUUID()),
  },
  {
    name: "no valid token",
    expected: 401,
    send: ({ place, nobody }) =>
      nobody("POST", intents, { action: "apply", ...place, resources: bucket }, randomUUID()),
  },
];
