import { fileURLToPath } from "node:url";
import { awsKindSchemas } from "../golden-paths/aws-kind-schemas.ts";
import { GoldenPathError } from "../golden-paths/golden-path-error.ts";
import { loadGoldenPaths } from "../golden-paths/load-golden-paths.ts";

// Before a deployment bundles them (cdk.json): what is wrong with a golden path ends synth with its file and pointer, and the
// functions, which find it beside them on AWS, need not look again at every start.
const [folder = fileURLToPath(new URL("../golden-paths/", import.meta.url))] = process.argv.slice(2);
try {
  loadGoldenPaths(folder, awsKindSchemas(new URL("../aws-schemas/aws-schemas.bin", import.meta.url)));
} catch (error) {
  if (!(error instanceof GoldenPathError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
