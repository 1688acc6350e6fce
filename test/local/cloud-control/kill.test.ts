import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  CreateResourceCommand,
  GetResourceCommand,
  GetResourceRequestStatusCommand,
} from "@aws-sdk/client-cloudcontrol";
import { expect, test } from "vitest";
import { clientOf } from "./with-cloud.ts";

const script = fileURLToPath(new URL("./serve-cloud.ts", import.meta.url));

async function serve(file: string) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return {
    client: clientOf(line.toString().trim()),
    kill: async () => void (child.kill("SIGKILL") && (await once(child, "exit"))),
  };
}

test("a cloud that is killed has forgotten nothing it answered, and finishes what it had accepted", async () => {
  const home = mkdtempSync(join(tmpdir(), "cairn killed cloud-"));
  const file = join(home, "cloud.sqlite");
  const TypeName = "AWS::S3::Bucket";
  const names = Array.from({ length: 10 }, (_, index) => `bucket-${index}`);
  const first = await serve(file);
  const tokens = await Promise.all(
    names.map(async (BucketName) => {
      const command = new CreateResourceCommand({
        TypeName,
        DesiredState: JSON.stringify({ BucketName }),
        ClientToken: BucketName,
      });
      return (await first.client.send(command)).ProgressEvent?.RequestToken;
    }),
  );
  await first.kill();
  const second = await serve(file);
  try {
    await expect
      .poll(
        async () => {
          const answers = tokens.map((RequestToken) =>
            second.client.send(new GetResourceRequestStatusCommand({ RequestToken })),
          );
          return (await Promise.all(answers)).map(({ ProgressEvent }) => ProgressEvent?.OperationStatus);
        },
        { timeout: 10_000, interval: 1000 },
      )
      .toEqual(names.map(() => "SUCCESS"));
    for (const Identifier of names) await second.client.send(new GetResourceCommand({ TypeName, Identifier }));
    expect(statSync(file).mode & 0o777).toBe(0o600);
  } finally {
    await second.kill();
    rmSync(home, { recursive: true, force: true });
  }
});
