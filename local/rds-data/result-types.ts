import { DataApiError } from "./errors.ts";

/** How one Postgres type leaves the service. `jdbc` is the number of `java.sql.Types` in the column metadata. */
export type ResultType = {
  typeName: string;
  kind: "boolean" | "long" | "double" | "decimal" | "string" | "time" | "timestamp" | "timestamptz" | "blob";
  jdbc: number;
  /** Set for an array: the `jdbc` of its elements. */
  arrayOf?: number;
};

type Row = [oid: number, arrayOid: number, typeName: string, kind: ResultType["kind"], jdbc: number];

/** The scalar types that the service's reference lists, and timestamptz, which it answers in UTC without an offset. */
const rows: Row[] = [
  [16, 1000, "bool", "boolean", -7],
  [17, 0, "bytea", "blob", -2],
  [20, 1016, "int8", "long", -5],
  [21, 1005, "int2", "long", 5],
  [23, 1007, "int4", "long", 4],
  [25, 1009, "text", "string", 12],
  [114, 0, "json", "string", 1111],
  [650, 0, "cidr", "string", 1111],
  [700, 1021, "float4", "double", 7],
  [701, 1022, "float8", "double", 8],
  [869, 0, "inet", "string", 1111],
  [1042, 1014, "bpchar", "string", 1],
  [1043, 1015, "varchar", "string", 12],
  [1082, 1182, "date", "string", 91],
  [1083, 1183, "time", "time", 92],
  [1114, 1115, "timestamp", "timestamp", 93],
  [1184, 1185, "timestamptz", "timestamptz", 93],
  [1700, 1231, "numeric", "decimal", 2],
  [2950, 2951, "uuid", "string", 1111],
  [3802, 0, "jsonb", "string", 1111],
];

const types = new Map<number, ResultType>();
for (const [oid, arrayOid, typeName, kind, jdbc] of rows) {
  types.set(oid, { typeName, kind, jdbc });
  if (arrayOid) types.set(arrayOid, { typeName: `_${typeName}`, kind, jdbc: 2003, arrayOf: jdbc });
}

/** What the database says about a type that is not built in. */
export type FoundType = { name: string; isEnum: boolean };

/** The built-in type, or `undefined` for one that has to be looked up (an enum of the schema). */
export function builtInType(oid: number): ResultType | undefined {
  return types.get(oid);
}

/** @throws {DataApiError} for a type that the service cannot return: cast it to text */
export function lookedUpType(found: FoundType | undefined): ResultType {
  if (found?.isEnum) return { typeName: found.name, kind: "string", jdbc: 12 };
  const name = (found?.name ?? "unknown").toUpperCase();
  throw new DataApiError("UnsupportedResultException", `The result contains the unsupported data type ${name}.`);
}
