import * as sdk from "@open-policy-agent/opa-wasm";
import type { PolicyData } from "./config.ts";

// The package's types name its functions as exports of the module; at run time all but one are on the default export.
const { loadPolicySync } = (sdk as unknown as { default: typeof sdk }).default;

// Node's own types have WebAssembly's names but not its functions, and the DOM's types would let a server use a DOM.
const { WebAssembly: wasm } = globalThis as unknown as {
  WebAssembly: { compile(bytes: Uint8Array): Promise<WebAssembly.Module> };
};

export function compileModule(bytes: Uint8Array): Promise<WebAssembly.Module> {
  return wasm.compile(bytes);
}

/** One WASM instance: evaluates an entrypoint on JSON text. Throws whatever the runtime throws, strings included. */
export type Instance = { evaluate(entrypoint: string, json: string): unknown };

/**
 * In pages of 64 KiB. The densest definition of 32 KiB fits with room to spare; what needs more than 64 MiB meets the end
 * of it and throws, which bounds a runaway evaluation's time as well, since WASM frees nothing while it evaluates.
 */
const memory = { initial: 16, maximum: 1024 };

export function makeInstance(module: WebAssembly.Module, data: PolicyData): Instance {
  const loaded = loadPolicySync(module, { ...memory });
  loaded.setData(data);
  return {
    evaluate(entrypoint, json) {
      // An ArrayBuffer is taken as JSON text: what is evaluated is, byte for byte, what was hashed.
      const { buffer, byteOffset, byteLength } = new TextEncoder().encode(json);
      return loaded.evaluate(buffer.slice(byteOffset, byteOffset + byteLength), entrypoint);
    },
  };
}

/**
 * What the module would ask its host to compute. Such functions compile and then throw when they are first evaluated, so
 * a policy that needs any is refused at load.
 */
export function hostFunctions(module: WebAssembly.Module): string[] {
  const loaded = loadPolicySync(module, { ...memory });
  const { exports } = loaded.wasmInstance as unknown as { exports: { [name: string]: unknown } };
  const call = (name: string, ...values: number[]) => (exports[name] as (...values: number[]) => number)(...values);
  const start = call("opa_json_dump", call("builtins"));
  const bytes = new Uint8Array(loaded.mem.buffer);
  const text = new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
  return Object.keys(JSON.parse(text) as object);
}
