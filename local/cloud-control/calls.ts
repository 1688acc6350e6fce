import { isObject, type JsonObject, textOf } from "../cloud/json.ts";
import type { Cloud } from "../cloud/open-cloud.ts";

/** Every call that reached the service, with what the caller saw: `ok`, an error's name, `hang`, `drop`. */
export function recordCall(
  cloud: Cloud,
  operation: string,
  input: JsonObject,
  output: JsonObject,
  result: string,
): void {
  const event = isObject(output.ProgressEvent) ? output.ProgressEvent : {};
  cloud.db
    .prepare("insert into calls (at, operation, type_name, identifier, client_token, result) values (?, ?, ?, ?, ?, ?)")
    .run(
      cloud.now(),
      operation,
      textOf(input.TypeName) ?? textOf(event.TypeName) ?? null,
      textOf(input.Identifier) ?? textOf(event.Identifier) ?? null,
      textOf(input.ClientToken) ?? null,
      result,
    );
}

export function listCalls(cloud: Cloud, since: number): JsonObject[] {
  const rows = cloud.db.prepare("select * from calls where at >= ? order by seq").all(since);
  return rows.map(({ at, operation, type_name, identifier, client_token, result }) => ({
    at: new Date(Number(at)).toISOString(),
    operation: String(operation),
    typeName: type_name as string | null,
    identifier: identifier as string | null,
    clientToken: client_token as string | null,
    result: String(result),
  }));
}
