import { join } from "node:path";
import { build } from "esbuild";
import { builtins } from "./builtins.ts";
import { leaveOut } from "./leave-out.ts";

export type Bundle = {
  code: Uint8Array;
  map: Uint8Array;
  /** Bytes that each source file has in the bundle, largest first. */
  inputs: { path: string; bytes: number }[];
};

/** Where the SDK looks for credentials after the environment, in which Lambda always has them: imported when reached. */
const neverReached = ["sso", "ini", "process", "web-identity", "login"].map(
  (kind) => `@aws-sdk/credential-provider-${kind}`,
);
neverReached.push("@smithy/credential-provider-imds");

/**
 * One ES module for Lambda's nodejs24.x, SDK clients included: what was tested is what runs, whatever the runtime brings.
 *
 * @param root the repository; paths in the source map are relative to it, so that a bundle's bytes depend on nothing else
 */
export async function bundleEntry(root: string, entry: string): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: join(root, "index.mjs"),
    write: false,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    mainFields: ["module", "main"],
    sourcemap: "linked",
    sourcesContent: false,
    metafile: true,
    legalComments: "none",
    logLevel: "silent",
    // Some dependencies are CommonJS and ask for Node's own modules with require.
    banner: { js: 'const require=process.getBuiltinModule("module").createRequire(import.meta.url);' },
    external: neverReached,
    plugins: [leaveOut, builtins],
  });
  const file = (extension: string) => {
    const found = result.outputFiles.find(({ path }) => path.endsWith(extension));
    if (found === undefined) throw new Error(`esbuild made no ${extension} of ${entry}`);
    return found.contents;
  };
  const inputs = Object.values(result.metafile.outputs)
    .flatMap((output) => Object.entries(output.inputs))
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((one, other) => other.bytes - one.bytes);
  return { code: file("index.mjs"), map: file(".map"), inputs };
}
