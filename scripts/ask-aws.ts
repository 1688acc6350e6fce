// npm run ask-aws -- token-replay [--region eu-central-1]    what only a real account can answer: docs/real-account.md
// Credentials and region are the SDK's own. What a question makes is named cairn-question-…, and removed again.
import { parseArgs } from "node:util";
import { CloudControlClient } from "@aws-sdk/client-cloudcontrol";
import { listConsistency } from "./questions/list-consistency.ts";
import type { Question } from "./questions/question.ts";
import { readRate } from "./questions/read-rate.ts";
import { tokenReplay } from "./questions/token-replay.ts";

const questions: { readonly [name: string]: Question } = {
  "token-replay": tokenReplay,
  "list-consistency": listConsistency,
  "read-rate": readRate,
};

const { values, positionals } = parseArgs({ options: { region: { type: "string" } }, allowPositionals: true });
const [name = ""] = positionals;
const question = Object.hasOwn(questions, name) && positionals.length === 1 ? questions[name] : undefined;
if (question === undefined) {
  console.error(`There is no question "${positionals.join(" ")}". Ask one of: ${Object.keys(questions).join(", ")}.`);
  process.exit(2);
}

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
