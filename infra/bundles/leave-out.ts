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
];

export const leaveOut: Plugin = {
  name: "leave-out",
  setup({ onLoad }) {
    for (const { file, contents } of replacements) onLoad({ filter: file }, () => ({ contents }));
  },
};
