import { defineConfig } from "vitest/config";

/** These start nothing and change nothing outside of themselves: two processes run them all, and load zod and the CDK once. */
const pure = ["api", "aws-schemas", "control", "core", "docs", "golden-paths", "infra", "policies"].map(
  (folder) => `test/${folder}/**/*.test.ts`,
);

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    // What is waited for ends a wait; these end what would never end, also on a machine that is busy with other things.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    execArgv: ["--disable-warning=ExperimentalWarning"],
    projects: [
      { extends: true, test: { name: "pure", include: pure, isolate: false } },
      {
        extends: true,
        test: {
          name: "with processes",
          include: ["test/**/*.test.ts"],
          exclude: pure,
          globalSetup: ["test/support/postgres-global-setup.ts"],
        },
      },
    ],
  },
});
