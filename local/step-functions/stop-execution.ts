import { type Context, findExecution, seconds } from "./context.ts";
import { optionalText, type Request } from "./request.ts";

/** Stops what runs. A closed execution stays as it ended, and says when. */
export async function stopExecution(context: Context, request: Request): Promise<{ stopDate: number }> {
  const { store, running } = context;
  const execution = findExecution(context, request);
  const error = optionalText(request, "error", 256);
  const cause = optionalText(request, "cause", 32_768);
  const run = running.get(execution.id);
  run?.abort(error, cause);
  await run?.ended;
  const stoppedAt = store.find(execution.machine, execution.name)?.stoppedAt ?? null;
  if (stoppedAt === null) throw new Error("the end could not be recorded");
  return { stopDate: seconds(stoppedAt) };
}
