// The import rule of docs/overview.md: imports point one way. Each room names what it may import of ours.
const rooms = [
  "core",
  "control",
  "api",
  "golden-paths",
  "aws-schemas",
  "policies",
  "providers",
  "database",
  "functions",
  "infra",
  "local",
  "cli",
  "portal",
];
const may = {
  core: [],
  control: ["core"],
  "aws-schemas": ["core"],
  "golden-paths": ["core", "aws-schemas"],
  policies: ["core", "aws-schemas"],
  providers: ["core", "aws-schemas"],
  database: ["core", "aws-schemas"],
  api: ["control", "core"],
  functions: ["core", "control", "api", "golden-paths", "aws-schemas", "policies", "providers", "database"],
  local: ["functions", "aws-schemas"],
  infra: ["aws-schemas"],
  cli: [],
  portal: [],
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...Object.entries(may).map(([room, allowed]) => ({
      name: `${room}-imports-only-${allowed.length === 0 ? "itself" : allowed.join("-")}`,
      severity: "error",
      from: { path: `^${room}/` },
      to: {
        path: `^(${rooms.filter((other) => other !== room && !allowed.includes(other)).join("|")}|test|bench|scripts)/`,
        // infra may read functions' manifest and golden-path data, never code that runs.
        ...(room === "infra" ? { pathNot: ["^functions/manifest\\.ts$", "^golden-paths/.*\\.(yaml|json)$"] } : {}),
      },
    })),
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "core-is-pure",
      comment: "The domain does no I/O: no Node module but hashing, no SDK.",
      severity: "error",
      from: { path: "^core/" },
      to: { dependencyTypes: ["core"], pathNot: "^(node:)?crypto$" },
    },
    {
      name: "no-dev-dependency-in-product",
      severity: "error",
      from: { path: "^(core|control|api|golden-paths|aws-schemas|policies|providers|database|functions|local)/" },
      to: { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"] },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".js", ".mjs", ".json"],
    },
    exclude: { path: "^(node_modules|cdk\\.out|\\.cairn)/" },
  },
};
