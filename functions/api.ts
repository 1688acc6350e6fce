import middy from "@middy/core";
import { createApi } from "../api/create-api.ts";
import type { GatewayEvent, GatewayResult } from "../api/deps.ts";
import { eventHandler } from "../api/handle-event.ts";
import { invocation } from "./invocation.ts";
import { log } from "./log.ts";
import { apiDeps } from "./runtime.ts";

/** The gateway's access log has every request. What changed something is said here too, with where it can be found. */
const answered = {
  after: ({ event, response }: { event: GatewayEvent; response: GatewayResult | null }) => {
    const { method } = event.requestContext.http;
    if (method === "GET" || method === "HEAD") return;
    log("info", "answered", { method, status: response?.statusCode, location: response?.headers.location });
  },
};

const answer = middy(eventHandler(createApi(await apiDeps()))).use(answered);

/** `request` is the id that the caller has in the header `apigw-requestid`. */
export const handler = invocation("api", answer, (event: GatewayEvent) => ({
  request: event.requestContext.requestId,
}));
