import { afterAll, beforeAll } from "vitest";
import { injection } from "./injection.ts";
import { isolation } from "./isolation.ts";
import { pages } from "./pages.ts";
import { races } from "./races.ts";
import { type Stage, startStage } from "./stage.ts";
import { tenants } from "./tenants.ts";

// An attacker with real tokens before a running machine. The suites share one: it takes longer to start than each of them.

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 120_000);
afterAll(() => stage?.close());

isolation(() => stage);
tenants(() => stage);
pages(() => stage);
races(() => stage);
injection(() => stage);
