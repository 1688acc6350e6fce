import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import type { AwsSchema } from "./aws-schema.ts";

// One file for many schemas, each of which can be read without the others: all 1,744 are 7 MiB of JSON,
// one service of them takes about a millisecond. Layout: the length of the index (4 bytes, big endian), the index as JSON
// `{ type: [offset, length] }` under brotli, then the blocks, each a brotli-compressed JSON object of one service's
// schemas, because types of one service share most of their words.

export type SchemaArchive = {
  typeNames(): string[];
  read(typeName: string): AwsSchema | undefined;
};

/** @throws {Error} when the bytes are no archive */
export function openArchive(bytes: Buffer): SchemaArchive {
  const indexLength = bytes.readUInt32BE(0);
  const blocksAt = 4 + indexLength;
  const index = parse<{ [typeName: string]: [offset: number, length: number] }>(bytes.subarray(4, blocksAt));
  const known = new Map<string, AwsSchema>();
  return {
    typeNames: () => Object.keys(index),
    read(typeName) {
      const place = Object.hasOwn(index, typeName) ? index[typeName] : undefined;
      if (place === undefined) return undefined;
      if (!known.has(typeName)) {
        const block = bytes.subarray(blocksAt + place[0], blocksAt + place[0] + place[1]);
        for (const [name, schema] of Object.entries(parse<{ [typeName: string]: AwsSchema }>(block))) {
          known.set(name, schema);
        }
      }
      return known.get(typeName);
    },
  };
}

/** The archive of these schemas: what the extraction commits, and what a Lambda bundle carries of it. */
export function packArchive(schemas: readonly AwsSchema[]): Buffer {
  const index: { [typeName: string]: [number, number] } = {};
  const blocks: Buffer[] = [];
  let offset = 0;
  for (const members of Map.groupBy([...schemas].sort(byName), ({ typeName }) => blockOf(typeName)).values()) {
    const block = compress(Object.fromEntries(members.map((schema) => [schema.typeName, schema])));
    for (const { typeName } of members) index[typeName] = [offset, block.length];
    offset += block.length;
    blocks.push(block);
  }
  const packedIndex = compress(index);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(packedIndex.length);
  return Buffer.concat([length, packedIndex, ...blocks]);
}

/** `AWS::S3::Bucket` and `AWS::S3::AccessPoint` lie together. EC2's 120 types would be too much to read for one. */
function blockOf(typeName: string): string {
  const [, service = "", resource = ""] = typeName.split("::");
  return service === "EC2" ? `${service}::${resource.charAt(0)}` : service;
}

function byName(one: AwsSchema, other: AwsSchema): number {
  return one.typeName < other.typeName ? -1 : 1;
}

function compress(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  return brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
}

function parse<T>(block: Buffer): T {
  return JSON.parse(brotliDecompressSync(block).toString()) as T;
}
