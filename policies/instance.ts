import opa from "@open-policy-agent/opa-wasm";
import type { PolicyData } from "./config.ts";

/** One WASM instance: evaluates an entrypoint on JSON text. Throws whatever the runtime throws, strings included. */
export type Instance = { evaluate(entrypoint: string, json: string): unknown };

/** 64 KiB pages. 256 KiB of the densest JSON needs well under half of it; a runaway rule meets the end of it and throws. */
const memory = { initial: 16, maximum: 1024 };

export function makeInstance(module: WebAssembly.Module, data: PolicyData): Instance {
  const loaded = opa.loadPolicySync(module, { ...memory });
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
  const loaded = opa.loadPolicySync(module, { ...memory });
  const { exports } = loaded.wasmInstance as WebAssembly.Instance;
  const call = (name: string, ...values: number[]) => (exports[name] as (...values: number[]) => number)(...values);
  const start = call("opa_json_dump", call("builtins"));
  const bytes = new Uint8Array(loaded.mem.buffer);
  const text = new TextDecoder().decode(bytes.subarray(start, bytes.indexOf(0, start)));
  return Object.keys(JSON.parse(text) as object);
}
