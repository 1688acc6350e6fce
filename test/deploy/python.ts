import { fileURLToPath } from "node:url";
import { pythonEnvironment } from "../../scripts/python-environment.ts";

/** The interpreter with MiniStack, which is installed when it is not in the cache yet. */
export function python(): string {
  const requirements = fileURLToPath(new URL("./requirements.txt", import.meta.url));
  const install = ["--no-deps", "-r", requirements];
  const environment = pythonEnvironment({ name: "ministack", version: "3.11+", install }, console.log);
  if ("missing" in environment) throw new Error(environment.missing);
  return environment.python;
}
