/** What a bundle finds in its environment on Lambda, with names that lead nowhere: enough to load, not to call anything. */
export function lambdaEnvironment(folder: string): NodeJS.ProcessEnv {
  const place = "eu-west-1:000000000000";
  return {
    AWS_REGION: "eu-west-1",
    LAMBDA_TASK_ROOT: folder,
    CAIRN_STAGE: "test",
    CAIRN_STORE_ARN: `arn:aws:rds:${place}:cluster:cairn`,
    CAIRN_STORE_DATABASE: "cairn",
    CAIRN_MACHINE_ARN_PREFIX: `arn:aws:states:${place}:stateMachine:cairn-`,
    CAIRN_STORE_SECRET_API: `arn:aws:secretsmanager:${place}:secret:api`,
    CAIRN_STORE_SECRET_PLATFORM: `arn:aws:secretsmanager:${place}:secret:platform`,
    CAIRN_STORE_SECRET_WORKER: `arn:aws:secretsmanager:${place}:secret:worker`,
    CAIRN_STORE_SECRET_OWNER: `arn:aws:secretsmanager:${place}:secret:owner`,
  };
}
