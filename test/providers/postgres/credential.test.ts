import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ProviderCall } from "../../../core/provider.ts";
import { ensureCredential } from "../../../providers/postgres/credential.ts";
import type { StepFailed } from "../../../providers/postgres/step-failed.ts";

// A service whose refusal repeats what it was sent, as validation errors do.
const received: string[] = [];
const server = createServer((request, response) => {
  let body = "";
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    received.push(body);
    response.writeHead(400, { "content-type": "application/x-amz-json-1.1" });
    const { SecretString } = JSON.parse(body) as { SecretString: string };
    const { password } = JSON.parse(SecretString) as { password: string };
    response.end(
      JSON.stringify({
        __type: "InvalidParameterException",
        message: `Invalid: ${body}, being ${SecretString} (${password})`,
      }),
    );
  });
});
let client: SecretsManagerClient;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  client = new SecretsManagerClient({
    region: "eu-west-1",
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    maxAttempts: 1,
  });
});
afterAll(() => {
  client.destroy();
  server.close();
});

test("a refusal that repeats the generated password does not carry it on", async () => {
  const call: ProviderCall = {
    resourceId: "0199a0b1-0000-7000-8000-0123456789ab",
    team: "payments",
    service: "orders",
    environment: "staging",
    name: "db",
    kind: "Postgres::Database",
    externalName: "orders-db-456789ab",
    identifier: null,
    desired: {},
    target: {},
    token: "token",
    request: null,
    tokenAgeSeconds: null,
    signal: AbortSignal.timeout(10_000),
  };
  const wanted = {
    Database: "orders_db",
    Role: "orders_db",
    ConnectionLimit: 20,
    secretName: call.externalName,
    marker: "cairn:resource-id=1",
    target: { region: "eu-west-1", clusterArn: "", adminSecretArn: "", host: "db", port: 5432, database: "tenants" },
  };
  const failed = await ensureCredential(client, call, wanted, null).then(
    () => undefined,
    (error: StepFailed) => error,
  );
  const sent = JSON.parse(received[0] ?? "{}") as { SecretString: string };
  const { password } = JSON.parse(sent.SecretString) as { password: string };
  expect(password).toHaveLength(32);
  expect(failed?.failure.code).toBe("SECRET_REFUSED");
  expect(failed?.failure.message).toContain("Invalid");
  expect(failed?.failure.message).not.toContain(password);
});
