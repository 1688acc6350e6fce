import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { fileURLToPath } from "node:url";

export type Certificate = { keyFile: string; certificateFile: string; key: Buffer; certificate: Buffer };

const script = fileURLToPath(new URL("./make_certificate.py", import.meta.url));

/**
 * A certificate for 127.0.0.1, which this process trusts from now on. The emulator has to speak TLS: the bucket that `cdk
 * bootstrap` makes refuses whoever does not, and an issuer is https or none.
 */
export function makeCertificate(python: string, folder: string): Certificate {
  execFileSync(python, [script, folder]);
  const [keyFile, certificateFile] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
  const certificate = readFileSync(certificateFile);
  tls.setDefaultCACertificates([...tls.getCACertificates("default"), certificate]);
  return { keyFile, certificateFile, key: readFileSync(keyFile), certificate };
}
