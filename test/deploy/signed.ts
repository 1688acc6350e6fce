import { createHash, createHmac } from "node:crypto";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import { accountId, region, root } from "./place.ts";

export type Credentials = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** A session of a role of the account. */
export async function take(endpoint: string, credentials: Credentials, role: string): Promise<Credentials> {
  const sts = new STSClient({ endpoint, region, credentials });
  const RoleArn = `arn:aws:iam::${accountId}:role/${role}`;
  const { Credentials: given } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: "session" }));
  sts.destroy();
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = given ?? {};
  return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
}

/** A request as a machine makes it: with SigV4. */
export function getSigned(url: string, credentials: Credentials): Promise<Response> {
  return sendSigned("execute-api", url, credentials, { method: "GET", headers: {} });
}

/** One of a service for which no client is installed. */
export async function ask(endpoint: string, service: string, body: string, target?: string): Promise<string> {
  const type = target === undefined ? "application/x-www-form-urlencoded" : "application/x-amz-json-1.1";
  const headers = { "content-type": type, ...(target === undefined ? {} : { "x-amz-target": target }) };
  const answer = await sendSigned(service, `${endpoint}/`, root, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`${service} answered ${answer.status}: ${await answer.text()}`);
  return answer.text();
}

type Sent = { method: string; headers: { [name: string]: string }; body?: string };

async function sendSigned(service: string, url: string, credentials: Credentials, sent: Sent): Promise<Response> {
  const { protocol, host, hostname, port, pathname } = new URL(url);
  const signer = new SignatureV4({ service, region, credentials, sha256: Sha256 });
  const place = { protocol, hostname, port: Number(port), path: pathname };
  const signed = await signer.sign({ ...sent, ...place, headers: { ...sent.headers, host } });
  const { host: _, ...headers } = signed.headers; // fetch sends it
  return fetch(url, { ...sent, headers });
}

class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", bytes(secret));
  }

  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytes(data));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

function bytes(data: string | ArrayBuffer | ArrayBufferView): string | Uint8Array {
  if (typeof data === "string") return data;
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
