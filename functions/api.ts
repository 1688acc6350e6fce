import middy from "@middy/core";
import { createApi } from "../api/create-api.ts";
import { eventHandler } from "../api/handle-event.ts";
import { apiDeps } from "./runtime.ts";

export const handler = middy(eventHandler(createApi(await apiDeps())));
