import { z } from "zod";
import { keepHouse } from "../database/housekeeping.ts";
import { log } from "./log.ts";
import { storeDatabase } from "./runtime.ts";
import { task } from "./task.ts";

const database = storeDatabase("owner");

export const handler = task("housekeeping", z.unknown(), async () => {
  const kept = await keepHouse(database);
  log("info", "housekeeping", kept);
  return kept;
});
