import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { openExecutionsStore } from "../../../local/step-functions/executions-store.ts";
import { remove, temporaryDirectory } from "./stage.ts";

it("keeps names and results when its process is killed, and aborts what ran", async () => {
  const directory = temporaryDirectory();
  const path = join(directory, "executions.sqlite");
  const script = fileURLToPath(new URL("./fixtures/start-and-hang.ts", import.meta.url));
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");

  const store = openExecutionsStore(path, 5000);
  expect(store.find("reconcile", "closed")).toMatchObject({ status: "SUCCEEDED", output: '"done"', stoppedAt: 3000 });
  expect(store.find("reconcile", "running")).toMatchObject({ status: "ABORTED", startedAt: 4000, stoppedAt: 5000 });
  expect(store.start("reconcile", "running", "{}", 6000).created).toBe(false);
  store.close();
  remove(directory);
});
