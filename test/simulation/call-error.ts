/** An answer that the SDK throws, with the status by which a provider tells refusal from silence. */
export function callError(name: string, status: number | null, message = name): Error {
  return Object.assign(new Error(message), {
    name,
    ...(status === null ? {} : { $metadata: { httpStatusCode: status } }),
  });
}

/** Nobody listens at the other end: nothing arrived. */
export function connectionRefused(): Error {
  return Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
}
