import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const minutes = 60_000;

export default defineConfig({
  test: {
    root: fileURLToPath(new URL("../../", import.meta.url)),
    include: ["test/deploy/**/*.deploy.ts"],
    pool: "forks",
    // One story: what comes later stands on what came before.
    bail: 1,
    testTimeout: 8 * minutes,
    // The first one installs MiniStack.
    hookTimeout: 20 * minutes,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  },
});
