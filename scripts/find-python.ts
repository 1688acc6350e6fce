// Prints where a Python of this version is, and ends with 1 where there is none: `node scripts/find-python.ts 3.13`, or `3.11+`.
import { findPython } from "./python-environment.ts";

const found = findPython(process.argv[2]);
if (found === undefined) process.exitCode = 1;
else console.log(found);
