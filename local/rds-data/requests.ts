import { z } from "zod";
import { DataApiError } from "./errors.ts";

// The service's request shapes with the lengths its reference gives. Unknown members are refused, though the service
// ignores them: a misspelled option must not pass unnoticed.

const arn = z.string().min(11).max(100);
const shared = { resourceArn: arn, secretArn: arn };
const where = { database: z.string().max(64).nullish(), schema: z.string().max(64).nullish() };
const transactionId = z.string().max(192);
const sql = z.string().max(65_536);

const field = z.union([
  z.strictObject({ isNull: z.boolean() }),
  z.strictObject({ booleanValue: z.boolean() }),
  z.strictObject({ longValue: z.number().int() }),
  z.strictObject({ doubleValue: z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity"])]) }),
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ blobValue: z.base64() }),
  z.strictObject({ arrayValue: z.unknown() }),
]);

const parameter = z.strictObject({
  name: z.string(),
  value: field,
  typeHint: z.enum(["JSON", "UUID", "TIMESTAMP", "DATE", "TIME", "DECIMAL"]).nullish(),
});

export const requests = {
  Execute: z.strictObject({
    ...shared,
    ...where,
    sql,
    parameters: z.array(parameter).nullish(),
    transactionId: transactionId.nullish(),
    includeResultMetadata: z.boolean().nullish(),
    continueAfterTimeout: z.boolean().nullish(),
    resultSetOptions: z
      .strictObject({
        decimalReturnType: z.enum(["STRING", "DOUBLE_OR_LONG"]).nullish(),
        longReturnType: z.enum(["STRING", "LONG"]).nullish(),
      })
      .nullish(),
    formatRecordsAs: z.enum(["NONE", "JSON"]).nullish(),
  }),
  BatchExecute: z.strictObject({
    ...shared,
    ...where,
    sql,
    parameterSets: z.array(z.array(parameter)).nullish(),
    transactionId: transactionId.nullish(),
  }),
  BeginTransaction: z.strictObject({ ...shared, ...where }),
  CommitTransaction: z.strictObject({ ...shared, transactionId }),
  RollbackTransaction: z.strictObject({ ...shared, transactionId }),
};

export type ExecuteRequest = z.infer<typeof requests.Execute>;
export type BatchExecuteRequest = z.infer<typeof requests.BatchExecute>;
export type BeginTransactionRequest = z.infer<typeof requests.BeginTransaction>;
export type EndTransactionRequest = z.infer<typeof requests.CommitTransaction>;
export type SqlParameter = z.infer<typeof parameter>;

/** @throws {DataApiError} ValidationException that names the member */
export function parseRequest<T>(shape: z.ZodType<T>, body: Buffer): T {
  let json: unknown;
  try {
    json = JSON.parse(body.toString("utf8"));
  } catch (cause) {
    throw new DataApiError("BadRequestException", "The request is not JSON", { cause });
  }
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new DataApiError("ValidationException", `${issue?.path.join(".") || "request"}: ${issue?.message}`);
}
