import type { Database } from "./data-api.ts";

/** Months that what is cut by time is kept: long enough for a year's audit and a month to write it. */
export const retentionMonths = 13;
const pruneBatch = 1000;

/** Makes the partitions of the coming months, drops those past their retention, and prunes the rest in bounded batches. */
export async function keepHouse(database: Database): Promise<{ dropped: number; pruned: number }> {
  await database.rows("select 'true'::jsonb from cairn.make_partitions(0, 2)");
  const [dropped = 0] = await database.rows<number>("select to_jsonb(cairn.drop_partitions(:months::integer))", {
    months: retentionMonths,
  });
  let pruned = 0;
  for (let round = 0; round < 200; round++) {
    const [gone = 0] = await database.rows<number>("select to_jsonb(cairn.prune(:batch::integer, :months::integer))", {
      batch: pruneBatch,
      months: retentionMonths,
    });
    pruned += gone;
    if (gone === 0) break;
  }
  return { dropped, pruned };
}
