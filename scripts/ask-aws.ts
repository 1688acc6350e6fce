// What only a real account can answer: docs/real-account.md.
// Credentials and region are the SDK's own. What a question makes is named cairn-question-…, and removed again.
import { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { listConsistency } from "./questions/list-consistency.ts";
import type { Question } from "./questions/question.ts";
import { readRate } from "./questions/read-rate.ts";
import { tokenReplay } from "./questions/token-replay.ts";
import { readArgs, refuse, text } from "./read-args.ts";

const questions: { readonly [name: string]: Question } = {
  "token-replay": tokenReplay,
  "list-consistency": listConsistency,
  "read-rate": readRate,
};

const names = Object.keys(questions).join(", ");
const usage = `npm run ask-aws -- QUESTION [--region eu-central-1]    one of: ${names}`;
const { values, words } = readArgs(usage, { region: text }, Number.POSITIVE_INFINITY);
const [name = ""] = words;
const question = Object.hasOwn(questions, name) && words.length === 1 ? questions[name] : undefined;
if (question === undefined) refuse(`there is no question "${words.join(" ")}": ask one of ${names}`);

const region = values.region === undefined ? {} : { region: values.region };
const clients = {
  once: new CloudControlClient({ ...region, maxAttempts: 1 }),
  patient: new CloudControlClient({ ...region, maxAttempts: 8 }),
};
let surprises = 0;
for await (const { what, answer, assumed } of question(clients)) {
  const expected = assumed === undefined || assumed === answer;
  if (!expected) surprises += 1;
  console.log(`${expected ? " " : "!"} ${what}: ${answer}${expected ? "" : ` (Cairn assumes: ${assumed})`}`);
}
if (surprises > 0)
  console.log(`\n${surprises} of these is not as Cairn assumes: docs/real-account.md says what hangs on it.`);
process.exitCode = surprises > 0 ? 1 : 0;
