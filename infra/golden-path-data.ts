import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";

const file = z.object({
  variants: z.array(
    z.object({
      provider: z.string(),
      kind: z.string(),
      name: z.object({ property: z.string(), separator: z.string(), maxLength: z.number() }),
      properties: z.record(z.string(), z.unknown()),
      target: z.object({ required: z.array(z.string()), optional: z.array(z.string()) }),
    }),
  ),
});

/** One way in which a golden path is made: what of it decides which permissions and which target values it needs. */
export type Variant = z.infer<typeof file>["variants"][number];

/** @param root the repository */
export function goldenPathVariants(root: string): Variant[] {
  const names = readdirSync(join(root, "golden-paths")).filter((name) => name.endsWith(".yaml"));
  return names.flatMap((name) => file.parse(parse(readFileSync(join(root, "golden-paths", name), "utf8"))).variants);
}
