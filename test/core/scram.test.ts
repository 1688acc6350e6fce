import { createHash, createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { scramVerifier } from "../../core/scram.ts";

// The example of RFC 7677, section 3.
const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const authMessage = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r=${nonce}`;

function keysOf(verifier: string) {
  const [, iterations, saltText, stored, server] = /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier) ?? [];
  return { iterations, saltText, stored: stored ?? "", server: Buffer.from(server ?? "", "base64") };
}

describe("a SCRAM verifier", () => {
  test("signs as the server of RFC 7677's example does", () => {
    const { server, iterations, saltText } = keysOf(scramVerifier("pencil", salt));
    const signature = createHmac("sha256", server).update(authMessage).digest("base64");
    expect({ signature, iterations, saltText }).toEqual({
      signature: "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
      iterations: "4096",
      saltText: "W22ZaJ0SNY7soEsUEjb6gQ==",
    });
  });

  test("accepts the client proof of RFC 7677's example", () => {
    const { stored } = keysOf(scramVerifier("pencil", salt));
    const signature = createHmac("sha256", Buffer.from(stored, "base64")).update(authMessage).digest();
    const proof = Buffer.from("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "base64");
    const clientKey = Buffer.from(proof.map((byte, index) => byte ^ (signature[index] ?? 0)));
    expect(createHash("sha256").update(clientKey).digest("base64")).toBe(stored);
  });

  test("has another salt each time, so equal passwords do not look equal", () => {
    expect(scramVerifier("pencil")).not.toBe(scramVerifier("pencil"));
  });
});
