/** What is granted though no call of the run took it, each with why. One that stands for nothing fails the test as well. */
export const reasons: { role: RegExp; action: RegExp; resource?: RegExp; why: string }[] = [
  {
    role: /^[a-z-]+$/,
    action: /^logs:(CreateLogStream|PutLogEvents)$/,
    why: "Lambda itself writes what the function prints, with the function's role",
  },
  {
    role: /^[a-z-]+$|^the machine /,
    action: /^xray:Put(TraceSegments|TelemetryRecords)$/,
    why: "Lambda and Step Functions themselves send the traces",
  },
  {
    role: /^the machine /,
    action: /^xray:GetSampling(Rules|Targets)$/,
    why: "Step Functions asks which executions to trace",
  },
  {
    role: /^the machine /,
    action: /^logs:/,
    why: "Step Functions itself arranges where its log is delivered, and AWS takes no narrower resource",
  },
  {
    role: /^the trigger of migrations$/,
    action: /^lambda:InvokeFunction$/,
    why: "CloudFormation runs the migrations in a deployment; on one machine `local/start-machine.ts` does",
  },
  {
    role: /^the trigger of migrations$/,
    action: /^logs:/,
    why: "AWS's own policy for functions, which CDK's trigger has: its log, and any other's",
  },
  {
    role: /^caller-/,
    action: /^execute-api:Invoke$/,
    why: "a machine outside calls the API with it; on one machine the API takes tokens alone",
  },
  {
    role: /^target /,
    action: /^secretsmanager:(CreateSecret|TagResource)$/,
    resource: /_\*_\?{8}-\?{6}$/,
    why: "AWS does not say whether a new secret goes by its name with the six characters that are to come or without",
  },
];
