import { OpenAPIHono } from "@hono/zod-openapi";
import { acceptIntent } from "../control/accept-intent.ts";
import { authenticate } from "./caller.ts";
import type { AcceptIntent, Api, ApiDeps, ApiEnv } from "./deps.ts";
import { hardenResponses, refuseReservedQuery } from "./harden-responses.ts";
import { answerUnrouted } from "./not-found.ts";
import { onError } from "./on-error.ts";
import { registerSecurity } from "./openapi.ts";
import { driftRoutes } from "./routes/drift.ts";
import { environmentRoutes } from "./routes/environments.ts";
import { intentRoutes } from "./routes/intents.ts";
import { knowledgeRoutes } from "./routes/knowledge.ts";
import { peopleRoutes } from "./routes/people.ts";
import { publicRoutes } from "./routes/public.ts";
import { resourceRoutes } from "./routes/resources.ts";
import { serviceRoutes } from "./routes/services.ts";
import { targetRoutes } from "./routes/targets.ts";
import { teamRoutes } from "./routes/teams.ts";
import { refuseInvalid } from "./validation.ts";

/** The HTTP API. It holds no state: what it knows comes through `deps`. */
export function createApi(deps: ApiDeps, useCases: { acceptIntent: AcceptIntent } = { acceptIntent }): Api {
  const api: Api = new OpenAPIHono<ApiEnv>({ defaultHook: refuseInvalid });
  api.onError(onError(deps.log));
  api.notFound(answerUnrouted(api));
  api.use(hardenResponses, refuseReservedQuery);
  api.use("/v1/*", authenticate(deps.callers));

  registerSecurity(api);
  publicRoutes(api, deps.contract);
  intentRoutes(api, deps, useCases.acceptIntent);
  resourceRoutes(api, deps);
  peopleRoutes(api, deps);
  driftRoutes(api, deps);
  teamRoutes(api, deps);
  serviceRoutes(api, deps);
  environmentRoutes(api, deps);
  targetRoutes(api, deps);
  knowledgeRoutes(api, deps);
  return api;
}
