import { observeResource } from "../control/observe-resource.ts";
import { pace, providers, workerStore } from "./runtime.ts";
import { operationRef, task } from "./task.ts";

const deps = { store: workerStore(), providers: providers("look"), pace: pace(), random: Math.random };

export const handler = task("observe-resource", operationRef, (ref) => observeResource(deps, ref));
