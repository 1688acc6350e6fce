import type { IncomingMessage, ServerResponse } from "node:http";
import { ZodError } from "zod";
import { readSchema } from "../../aws-schemas/read-schema.ts";
import { answerJson } from "../cloud/aws-json.ts";
import type { JsonObject } from "../cloud/json.ts";
import { ledger } from "../cloud/objects.ts";
import type { Cloud } from "../cloud/open-cloud.ts";
import { readBody } from "../http-server.ts";
import { listCalls } from "./calls.ts";
import { readFaults, readSettings, writeFaults, writeSettings } from "./controls.ts";
import { readModel } from "./operations.ts";
import { settle } from "./settle.ts";

/** `/_sim/…`: what no cloud shows, for tests from outside. */
export async function serveSimulation(
  cloud: Cloud,
  request: IncomingMessage,
  response: ServerResponse,
  url: URL,
): Promise<void> {
  const route = `${request.method} ${url.pathname.slice("/_sim/".length)}`;
  settle(cloud);
  try {
    if (route === "GET ledger") return answerJson(response, 200, { items: ledgerItems(cloud) });
    if (route === "GET calls") return answerCalls(cloud, response, url);
    if (route === "GET faults") return answerJson(response, 200, { items: readFaults(cloud) });
    if (route === "GET settings") return answerJson(response, 200, readSettings(cloud));
    if (route === "PUT faults") return answerJson(response, 200, { items: writeFaults(cloud, await bodyOf(request)) });
    if (route === "PUT settings") return answerJson(response, 200, writeSettings(cloud, await bodyOf(request)));
    return answerJson(response, 404, { title: `no ${route} here` });
  } catch (error) {
    if (error instanceof ZodError) {
      const errors = error.issues.flatMap((issue) => {
        const names = issue.code === "unrecognized_keys" ? issue.keys : [undefined];
        return names.map((name) => ({
          pointer: [...issue.path, ...(name === undefined ? [] : [name])].map((part) => `/${String(part)}`).join(""),
          message: issue.message,
        }));
      });
      return answerJson(response, 400, { title: "bad input", errors });
    }
    if (!(error instanceof SyntaxError)) throw error;
    return answerJson(response, 400, { title: "bad input", errors: [{ pointer: "", message: "the body is no JSON" }] });
  }
}

function answerCalls(cloud: Cloud, response: ServerResponse, url: URL): void {
  const since = url.searchParams.get("since");
  const at = since === null ? 0 : Date.parse(since);
  if (!Number.isNaN(at)) {
    answerJson(response, 200, { items: listCalls(cloud, at) });
    return;
  }
  answerJson(response, 400, {
    title: "bad input",
    errors: [{ pointer: "since", message: "must be an ISO 8601 time" }],
  });
}

function ledgerItems(cloud: Cloud): JsonObject[] {
  return ledger(cloud).map(({ typeName, identifier, clientToken, createdAt, deletedAt, properties }) => {
    const schema = readSchema(typeName);
    return {
      typeName,
      identifier,
      clientToken,
      createdAt: new Date(createdAt).toISOString(),
      deletedAt: deletedAt === null ? null : new Date(deletedAt).toISOString(),
      properties: schema === undefined ? {} : readModel(schema, properties),
    };
  });
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request, 1_048_576);
  if (body === "too-large") throw new SyntaxError("too large");
  return JSON.parse(body.toString());
}
