// Draws what a deployment is made of into docs/deployment.md, out of the synthesized app: `npm run diagram`.
import { readFileSync, writeFileSync } from "node:fs";
import { drawDeployment, type Synthesized } from "../infra/diagram/draw-deployment.ts";
import { fullStage } from "../test/infra/full-stage.ts";
import { synthesize } from "../test/infra/synthesize.ts";

const file = new URL("../docs/deployment.md", import.meta.url);
const drawn = drawDeployment(synthesize(fullStage).control.toJSON() as Synthesized, fullStage);
writeFileSync(file, readFileSync(file, "utf8").replace(/```mermaid\n[\s\S]*?\n```/, `\`\`\`mermaid\n${drawn}\n\`\`\``));
