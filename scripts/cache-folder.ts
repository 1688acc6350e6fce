import { homedir } from "node:os";
import { join } from "node:path";

/** Where tools are kept that npm does not bring: `XDG_CACHE_HOME`, or where this system keeps such things. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME ?? process.env.LOCALAPPDATA ?? join(homedir(), ".cache"), "cairn");
}
