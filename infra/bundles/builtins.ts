import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

/**
 * Node's own modules as a CommonJS module gets them. An ES module's `import` of one reads each of its exports, and for that
 * Node loads what stands behind all of them: streams, watchers and Web Crypto, 10 ms of a cold start for what nobody asked.
 */
export const builtins: Plugin = {
  name: "builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?[a-z_]+(\/[a-z]+)*$/ }, ({ path }) =>
      isBuiltin(path) ? { path, namespace: "builtin" } : undefined,
    );
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};
