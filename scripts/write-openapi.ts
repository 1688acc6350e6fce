// Writes openapi.json from the routes as they are: `npm run openapi`. A test fails while the two differ.
import { writeFileSync } from "node:fs";
import { createApi } from "../api/create-api.ts";
import type { ApiDeps } from "../api/deps.ts";
import { openApiDocument } from "../api/openapi.ts";

/** Describing the API calls nothing of it. */
const nothing = {} as ApiDeps;

const document = openApiDocument(createApi(nothing));
writeFileSync(new URL("../openapi.json", import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
