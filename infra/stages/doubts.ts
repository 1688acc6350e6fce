import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Stage } from "./stage.ts";

/** What a stage may say, and who deploys it would not want: by key. `cdk` prints them as warnings. */
export function doubtsAbout(stage: Stage): Map<string, string> {
  const doubts = new Map<string, string>();
  const { hostname } = new URL(stage.tokens.issuer);
  if (reserved.test(hostname))
    doubts.set(
      "tokens.issuer",
      `${hostname} is reserved for examples: say the identity provider whose tokens you have`,
    );
  if (stage.targets.length === 0)
    doubts.set("targets", "there is none, so there is nowhere to provision into: docs/targets.md");
  // Not refused: a region that the policy has given up may hold what was made before, which is still looked at and deleted.
  const regions = allowedRegions();
  for (const [index, { name, region }] of stage.targets.entries()) {
    if (regions.includes(region)) continue;
    const allowed = `policies/config.yaml allows ${regions.join(", ")}`;
    doubts.set(
      `targets.${index}.region`,
      `${region} of ${JSON.stringify(name)}: every apply there is denied, ${allowed}`,
    );
  }
  return doubts;
}

/** RFC 2606's. */
const reserved = /(?:^|\.)(?:example\.(?:com|net|org)|example|invalid|test)$/;

/** As compiled, which is what decides. */
function allowedRegions(): string[] {
  const data = readFileSync(new URL("../../policies/compiled/data.json", import.meta.url), "utf8");
  return z.object({ config: z.object({ regions: z.array(z.string()) }) }).parse(JSON.parse(data)).config.regions;
}
