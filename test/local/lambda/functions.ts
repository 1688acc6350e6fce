import type { LambdaFunction } from "../../../local/lambda/lambda.ts";

const fixture = (name: string) => new URL(`./fixtures/${name}.ts`, import.meta.url);
export const region = "eu-central-1";
export const accountId = "000000000000";
export const arn = (name: string) => `arn:aws:lambda:${region}:${accountId}:function:${name}`;

export const functions: { [name: string]: LambdaFunction } = {
  behaves: { entry: fixture("behaviours"), timeoutSeconds: 5, environment: { GREETING: "hello" } },
  hurries: { entry: fixture("behaviours"), timeoutSeconds: 0.3, environment: {} },
  patient: { entry: fixture("behaviours"), timeoutSeconds: 1.5, environment: {} },
  "no-handler": { entry: fixture("no-handler"), timeoutSeconds: 5, environment: {} },
  broken: { entry: fixture("broken"), timeoutSeconds: 5, environment: {} },
  missing: { entry: fixture("is-not-there"), timeoutSeconds: 5, environment: {} },
};
