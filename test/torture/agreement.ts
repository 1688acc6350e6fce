import type { Violation } from "../simulation/violation.ts";
import { cloudHoldsWhatIsWanted, clusterHoldsWhatIsWanted, secretsAreThere } from "./agree-objects.ts";
import { answersAreKept, intentsAreKept, resourcesAreKept } from "./agree-promises.ts";
import { auditIsComplete, onlyAskedAsDecided } from "./agree-tables.ts";
import type { Check, Party } from "./party.ts";

const checks: readonly Check[] = [
  intentsAreKept,
  answersAreKept,
  resourcesAreKept,
  cloudHoldsWhatIsWanted,
  clusterHoldsWhatIsWanted,
  secretsAreThere,
  onlyAskedAsDecided,
  auditIsComplete,
];

/** Where Cairn, the cloud, the cluster and what developers were told disagree. Nothing may be under way. */
export function disagreements(party: Party): Violation[] {
  return checks.flatMap((check) => [...check(party)]);
}
