/** What keeps the data folder from being used, as one line for a person that also says what to do. */
export class HomeError extends Error {
  override readonly name = "HomeError";
}

const otherHome = "start with another CAIRN_HOME";

/** The one line for what the file system, or SQLite, said about the folder; anything else stays as it is. */
export function explainFileError(error: unknown, folder: string): unknown {
  const { code = "", errcode = 0 } = (error ?? {}) as { code?: string; errcode?: number };
  // SQLite's extended codes keep the kind in their last byte.
  const line = code === "ERR_SQLITE_ERROR" ? sqliteLines[errcode & 0xff] : lines[code];
  return line ? new HomeError(line(folder), { cause: error }) : error;
}

const full = (folder: string) => `the disk of ${folder} is full: free some space, or ${otherHome} on another disk`;
const denied = (folder: string) => `${folder} cannot be written by this user: change its owner, or ${otherHome}`;
export const notMade = (folder: string) => `${folder} cannot be made: ${otherHome}`;
const damaged = (folder: string) => `a file in ${folder} is damaged: move the folder away to start empty`;
const noFolder = (folder: string) => `${folder} is not a folder, or lies below a file: ${otherHome}`;

const lines: { [code: string]: (folder: string) => string } = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: (folder) => `${folder} is on a read-only disk: ${otherHome}`,
  EACCES: denied,
  EPERM: denied,
  ENAMETOOLONG: notMade,
  ELOOP: notMade,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
};

const sqliteLines: { [code: number]: (folder: string) => string } = {
  8: denied,
  11: damaged,
  13: full,
  14: denied,
  26: damaged,
};
