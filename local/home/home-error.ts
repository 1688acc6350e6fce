/** What keeps the data folder from being used, as one line for a person that also says what to do. */
export class HomeError extends Error {
  override readonly name = "HomeError";
}

const otherHome = "start with another CAIRN_HOME";

/** The one line for what the file system said about the folder; anything else stays as it is. */
export function explainFileError(error: unknown, folder: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const line = lines[code];
  return line ? new HomeError(line(folder), { cause: error }) : error;
}

const full = (folder: string) => `the disk of ${folder} is full: free some space, or ${otherHome} on another disk`;
const denied = (folder: string) => `${folder} cannot be written by this user: change its owner, or ${otherHome}`;
const noFolder = (folder: string) => `${folder} is not a folder, or lies below a file: ${otherHome}`;

const lines: { [code: string]: (folder: string) => string } = {
  ENOSPC: full,
  EDQUOT: full,
  EROFS: (folder) => `${folder} is on a read-only disk: ${otherHome}`,
  EACCES: denied,
  EPERM: denied,
  ENOTDIR: noFolder,
  EEXIST: noFolder,
};
