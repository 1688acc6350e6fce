import type { Random } from "../simulation/random.ts";
import { pickWeighted } from "./pick-weighted.ts";

type Weather = { name: string; weight: number; faults: (random: Random) => object[] };

const changes = ["CreateResource", "UpdateResource", "DeleteResource"];
const each = (operations: readonly string[], fault: object) => operations.map((operation) => ({ operation, ...fault }));

/** What the cloud is like for a while: `PUT _sim/faults` takes each list as it is. Fine half of the time. */
const kinds: readonly Weather[] = [
  { name: "fine", weight: 50, faults: () => [] },
  {
    name: "throttles",
    weight: 10,
    faults: () => [{ probability: 0.3, error: "ThrottlingException" }],
  },
  {
    name: "5xx",
    weight: 10,
    faults: () => [{ probability: 0.25, error: "ServiceInternalErrorException" }],
  },
  {
    name: "loses answers",
    weight: 12,
    faults: () => each(changes, { probability: 0.4, when: "after", drop: true }),
  },
  {
    name: "hangs",
    weight: 5,
    faults: ({ next }) => [{ probability: 0.1, when: next() < 0.5 ? "before" : "after", hang: true }],
  },
  {
    name: "handlers fail",
    weight: 8,
    faults: ({ next }) =>
      each(changes, {
        probability: 0.3,
        stage: "handler",
        when: next() < 0.5 ? "before" : "after",
        error: "NetworkFailure",
      }),
  },
  {
    name: "slow",
    weight: 5,
    faults: ({ next }) => [{ probability: 0.5, delayMs: 300 + Math.floor(next() * 1200) }],
  },
];

export function drawWeather(random: Random): { name: string; faults: object[] } {
  const { name, faults } = pickWeighted(kinds, random);
  return { name, faults: faults(random) };
}
