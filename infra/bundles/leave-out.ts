import { readFileSync } from "node:fs";
import type { Plugin } from "esbuild";

// What a bundle can do without, by the file that brings it. Half a megabyte, all of which Lambda would parse on each cold
// start. What stands in for it fails loudly, or is exactly as good.
const replacements: { file: RegExp; contents: string; why: string }[] = [
  {
    file: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.(c|m)?js$/,
    contents: 'export { default as en } from "./en.js";',
    why: "zod's messages in 50 languages, 264 KB, which its namespace export keeps esbuild from leaving out",
  },
  {
    file: /[\\/]zod[\\/]v4[\\/]core[\\/]compile\.(c|m)?js$/,
    contents: `
      const leftOut = () => { throw new Error("left out of the bundle"); };
      export const INVALID = Symbol.for("zod.compile.invalid");
      export class ZodCompileAsyncError extends Error {}
      export class ZodCompileUnsupportedError extends Error {}
      export { leftOut as compile, leftOut as withParser, leftOut as compileFn };`,
    why: "zod's opt-in compiler, which nobody here asks for",
  },
  {
    file: /[\\/]zod[\\/]v4[\\/]classic[\\/]from-json-schema\.(c|m)?js$/,
    contents: 'export const fromJSONSchema = () => { throw new Error("left out of the bundle"); };',
    why: "zod's reader of JSON Schema: ajv does that here",
  },
  {
    file: /[\\/]opa-wasm[\\/]src[\\/]builtins[\\/]yaml\.js$/,
    contents: "module.exports = {};",
    why: "a YAML parser for Rego's yaml.*, which policies/capabilities.json does not let a rule call",
  },
  {
    file: /[\\/]node_modules[\\/]yaml[\\/]dist[\\/]index\.js$/,
    contents: "export const parse = JSON.parse;",
    why: "add-assets.ts ships golden paths as JSON, which every YAML parser reads and needs none",
  },
  {
    file: /[\\/]@asteasolutions[\\/]zod-to-openapi[\\/]dist[\\/]index\.mjs$/,
    contents: `
      const leftOut = () => { throw new Error("left out of the bundle"); };
      export class OpenAPIRegistry { definitions = []; registerPath() {} registerComponent() {} }
      export const extendZodWithOpenApi = ({ ZodType }) => { ZodType.prototype.openapi = function () { return this; }; };
      export { leftOut as OpenApiGeneratorV3, leftOut as OpenApiGeneratorV31, leftOut as getOpenApiMetadata };`,
    why: "what writes the contract out of the routes: add-assets.ts ships openapi.json, which a test holds to them",
  },
];

/** The same for files of which every export stays, and none is ever called. */
const uncalled: { file: RegExp; why: string }[] = [
  {
    file: /[\\/]zod[\\/]v4[\\/]core[\\/](to-json-schema|json-schema-processors)\.(c|m)?js$/,
    why: "zod's writer of JSON Schema, which every schema carries as a method that nobody here calls",
  },
];

/**
 * esbuild keeps all of a namespace that is exported as `z`, and drops what is unused of one that is imported as such. The code says
 * `import { z }` as everybody does; what `@hono/zod-openapi` is given of it is all that it asks for.
 */
const whole: [RegExp, string][] = [
  [/import \{ z \} from "zod";/, 'import * as z from "zod";'],
  [
    /import \{ ((?:\w+, |type \w+, )*)z \} from "@hono\/zod-openapi";/,
    'import { $1 } from "@hono/zod-openapi"; import * as z from "zod";',
  ],
  [/extendZodWithOpenApi\(z\)/, "extendZodWithOpenApi({ ZodType: z.ZodType })"],
  [/, z \};\s*$/m, " };"],
];

/** zod writes a parser for each object it meets: worth it to who parses thousands, 7 ms to a function that has just started. */
const written: [RegExp, string] = [/const jit = !core\.globalConfig\.jitless;/, "const jit = false;"];
const schemasOfZod = /[\\/]zod[\\/]v4[\\/]core[\\/]schemas\.js$/;
const ofZod =
  /[\\/](api|core|control|database|functions|golden-paths|aws-schemas|policies|providers)[\\/][^.]*\.ts$|[\\/]@hono[\\/]zod-openapi[\\/]dist[\\/]index\.mjs$/;

export const leaveOut: Plugin = {
  name: "leave-out",
  setup({ onLoad }) {
    for (const { file, contents } of replacements) onLoad({ filter: file }, () => ({ contents }));
    for (const { file } of uncalled) {
      onLoad({ filter: file }, ({ path }) => {
        const names = [...readFileSync(path, "utf8").matchAll(/^export (?:const|function) (\w+)/gm)].map(
          ([, name]) => name,
        );
        const leftOut = '() => { throw new Error("left out of the bundle"); }';
        return { contents: names.map((name) => `export const ${name} = ${leftOut};`).join("\n") };
      });
    }
    onLoad({ filter: schemasOfZod }, ({ path }) => ({ contents: readFileSync(path, "utf8").replace(...written) }));
    onLoad({ filter: ofZod }, ({ path }) => ({
      contents: whole.reduce((text, [from, to]) => text.replace(from, to), readFileSync(path, "utf8")),
      loader: path.endsWith(".ts") ? "ts" : "js",
    }));
  },
};
