import type { Answer } from "./scenarios.ts";

/** Hands out each function's answers in turn, the last of them for ever. */
export function told(answers: { readonly [name: string]: readonly Answer[] }): (name: string) => Answer {
  const left = new Map(Object.entries(answers));
  return (name) => {
    const [answer, ...others] = left.get(name) ?? [];
    if (answer === undefined) throw new Error(`the scenario has no answer of ${name}`);
    if (others.length > 0) left.set(name, others);
    return structuredClone(answer);
  };
}
