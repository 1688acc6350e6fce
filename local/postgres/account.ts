// Postgres refuses to run as root, so root hands it to "nobody", a uid every Linux has and that owns nothing else here.

export type Account = { uid: number; gid: number };

/** The account to run Postgres under; `undefined` when it is ours already. */
export function postgresAccount(): Account | undefined {
  return process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : undefined;
}

/**
 * How a Postgres process names its data folder, which is its working directory. Root's home is closed to "nobody"
 * (mode 700), so the folder's path would not resolve; the working directory was entered before the uid changed.
 */
export function dataArgument(dataFolder: string): string {
  return postgresAccount() && process.platform === "linux" ? "/proc/self/cwd" : dataFolder;
}

/** A closed environment: PGDATA, PGPORT or a locale of the caller's must not reach the server. Windows needs its own. */
export const serverEnvironment: { env?: NodeJS.ProcessEnv } =
  process.platform === "win32" ? {} : { env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" } };
