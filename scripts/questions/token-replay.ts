import { randomUUID } from "node:crypto";
import type { ProgressEvent } from "@aws-sdk/client-cloudcontrol";
import type { Clients, Finding } from "./question.ts";
import { create, ended, made, parameterType, removed } from "./requests.ts";

/** What a ClientToken answers when it is used again: the ground that laws F2 and F3 stand on. */
export async function* tokenReplay({ once, patient }: Clients): AsyncGenerator<Finding> {
  const desired = { Name: `cairn-question-${randomUUID()}`, Type: "String", Value: "one" };
  const [token, second, third] = [randomUUID(), randomUUID(), randomUUID()];
  const replay = (value: object, clientToken: string) => create(once, parameterType, value, clientToken);

  const first = await replay(desired, token);
  const same = await replay(desired, token);
  yield {
    what: "a token replayed while its request runs",
    answer: compared(first, same),
    assumed: "the first request",
  };
  const done = await ended(patient, first);
  try {
    const late = await replay(desired, token);
    yield {
      what: "a token replayed after its request succeeded",
      answer: compared(done, late),
      assumed: "the first request",
    };
    const other = await replay({ ...desired, Value: "two" }, token);
    yield {
      what: "a token with another input",
      answer: compared(done, other),
      assumed: "ClientTokenConflictException",
    };

    // The name is taken, so this one fails, and asking again under its token changes nothing.
    const refused = await replay(desired, second);
    const failed = typeof refused === "string" ? refused : await ended(patient, refused);
    yield { what: "another token for a name that is taken", answer: ending(failed), assumed: "FAILED AlreadyExists" };
    if (typeof failed !== "string") {
      const again = await replay(desired, second);
      yield {
        what: "the token of a request that failed",
        answer: compared(failed, again),
        assumed: "the first request",
      };
    }
  } finally {
    await removed(patient, parameterType, desired.Name);
  }

  const gone = await replay(desired, token);
  yield {
    what: "the token of what was made and deleted since",
    answer: compared(done, gone),
    assumed: "the first request",
  };
  if (typeof gone !== "string" && gone.RequestToken !== done.RequestToken) {
    if ((await ended(patient, gone)).OperationStatus === "SUCCESS") await removed(patient, parameterType, desired.Name);
    return;
  }
  await made(patient, parameterType, desired, third);
  yield { what: "a new token for the same name", answer: "makes it anew", assumed: "makes it anew" };
  await removed(patient, parameterType, desired.Name);
}

function compared(first: ProgressEvent | string, answer: ProgressEvent | string): string {
  if (typeof answer === "string") return answer;
  return typeof first !== "string" && answer.RequestToken === first.RequestToken
    ? "the first request"
    : `another request, ${ending(answer)}`;
}

function ending(event: ProgressEvent | string): string {
  return typeof event === "string" ? event : [event.OperationStatus, event.ErrorCode].filter(Boolean).join(" ");
}
