import type { Api } from "./deps.ts";

/** The contract, generated from the routes as they are. `openapi.json` is this, committed. */
export function openApiDocument(api: Api) {
  return api.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Cairn",
      version: "1",
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
      description: [
        "An internal developer platform's control plane: intents in, policy-checked and drift-watched infrastructure out.",
        "Errors are RFC 9457 problem documents, except for what API Gateway itself refuses, such as a bad token.",
        "An unknown query parameter or field is a 400; so is a name in a path that cannot be one, while an id that cannot be one is a 404.",
        "`x-cairn-access` says which roles may call a route, and whether another team's objects answer 404.",
      ].join("\n\n"),
    },
    servers: [{ url: "/" }],
    tags: [
      { name: "Intents", description: "What a service needs." },
      { name: "Resources", description: "What became of it." },
      { name: "Drift", description: "Where the world differs from what was asked for." },
      { name: "Teams", description: "Who owns what." },
      { name: "Services", description: "What teams run." },
      { name: "Environments", description: "Where it runs." },
      { name: "Resource types", description: "What can be asked for." },
      { name: "Decisions", description: "What policy said." },
      { name: "About", description: "The API itself." },
    ],
  });
}

export function registerSecurity(api: Api): void {
  api.openAPIRegistry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description:
      "Claims `sub`, `team` and `role` (viewer, developer or platform), checked by the gateway's JWT authorizer.",
  });
}
