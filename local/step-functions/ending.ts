/** How an execution ended. */
export type Ending =
  | { status: "SUCCEEDED"; output: string }
  | { status: "FAILED"; error: string | null; cause: string | null }
  /** AWS reports neither error nor cause here. */
  | { status: "TIMED_OUT" }
  | { status: "ABORTED"; error: string | null; cause: string | null };
