import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const minutes = 60_000;

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../../", import.meta.url)),
    include: ["test/localstack/**/*.parity.ts"],
    pool: "forks",
    testTimeout: 2 * minutes,
    // The first one installs LocalStack.
    hookTimeout: 20 * minutes,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
