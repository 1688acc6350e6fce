import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";

/**
 * The interpreter tells a Task that took too long from one that failed by the error's class, which it does not export, and
 * gives it its own name as the cause, where AWS gives none. So one is provoked here, to throw its like without a cause.
 */
export const StatesTimeout = await provoke();

async function provoke(): Promise<new () => Error> {
  const definition = { StartAt: "T", States: { T: { Type: "Task", Resource: "", TimeoutSeconds: 0.001, End: true } } };
  const machine = new StateMachine(definition as StateMachineDefinition, { validationOptions: { noValidate: true } });
  const never = () => new Promise<never>(() => {});
  const run = machine.run(null, { overrides: { taskResourceLocalHandlers: { T: never } } });
  const thrown: { cause: Error } = await run.result.then(
    () => Promise.reject(new Error("no timeout")),
    (error) => error,
  );
  return thrown.cause.constructor as new () => Error;
}
