import { z } from "zod";
import { createSecret, finishSecret, setSecret, testSecret } from "../database/rotation.ts";
import { log } from "./log.ts";
import { storeRotation } from "./runtime.ts";
import { task } from "./task.ts";

const rotation = storeRotation();
const steps = { createSecret, setSecret, testSecret, finishSecret };

/** What Secrets Manager sends, once for each step. */
const input = z.object({
  Step: z.enum(["createSecret", "setSecret", "testSecret", "finishSecret"]),
  SecretId: z.string(),
  ClientRequestToken: z.string(),
});

export const handler = task("rotate-secret", input, async ({ Step, SecretId, ClientRequestToken }) => {
  await steps[Step](rotation, { secretArn: SecretId, token: ClientRequestToken });
  log("info", "rotation", { step: Step, secret: SecretId, version: ClientRequestToken });
});
