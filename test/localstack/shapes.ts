import type { Answer } from "../statemachines/scenarios.ts";

/** What the shipped machines do not use, and our server runs all the same. */
export type Shape = {
  title: string;
  definition: object;
  input: object;
  answers: { readonly [name: string]: readonly Answer[] };
  /** Branches run side by side: only what happens in each of them has an order. */
  sideBySide?: true;
};

const task = (name: string, more: object = { End: true }) => ({ Type: "Task", Resource: `\${${name}}`, ...more });
const pass = { Type: "Pass", End: true };
const map = (states: object, more: object = {}) => ({
  Type: "Map",
  ItemsPath: "$.items",
  MaxConcurrency: 1,
  ItemProcessor: { ProcessorConfig: { Mode: "INLINE" }, StartAt: "Work", States: states },
  ...more,
});
const caught = [{ ErrorEquals: ["States.ALL"], ResultPath: "$.error", Next: "Caught" }];
const large = [{ result: "x".repeat(140_000) }];

export const shapes: readonly Shape[] = [
  {
    title: "a Map whose iterations have two states each",
    definition: {
      StartAt: "Each",
      States: {
        Each: map({ Work: task("work", { Next: "Then" }), Then: pass }, { ResultPath: "$.results", Next: "Last" }),
        Last: { Type: "Succeed" },
      },
    },
    input: { items: [1, 2, 3] },
    answers: { work: [{ result: "a" }, { result: "b" }, { result: "c" }] },
  },
  {
    title: "a Map of nothing",
    definition: { StartAt: "Each", States: { Each: map({ Work: pass }, { End: true }) } },
    input: { items: [] },
    answers: {},
  },
  {
    title: "a retry inside a Map",
    definition: {
      StartAt: "Each",
      States: {
        Each: map(
          { Work: task("work", { Retry: [{ ErrorEquals: ["Busy"], IntervalSeconds: 1 }], End: true }) },
          { End: true },
        ),
      },
    },
    input: { items: [1, 2] },
    answers: { work: [{ error: "Busy" }, { result: "a" }, { result: "b" }] },
  },
  {
    title: "a Parallel",
    definition: {
      StartAt: "Both",
      States: {
        Both: {
          Type: "Parallel",
          Branches: [
            { StartAt: "One", States: { One: task("one", { Next: "Then" }), Then: pass } },
            { StartAt: "Other", States: { Other: { Type: "Wait", Seconds: 1, End: true } } },
          ],
          Next: "Last",
        },
        Last: pass,
      },
    },
    input: { items: [] },
    answers: { one: [{ result: 1 }] },
    sideBySide: true,
  },
  {
    title: "a Fail that says why, and one that does not",
    definition: {
      StartAt: "Which",
      States: {
        Which: { Type: "Choice", Choices: [{ Variable: "$.why", IsPresent: true, Next: "Why" }], Default: "Silent" },
        Why: { Type: "Fail", Error: "Because", Cause: "of that" },
        Silent: { Type: "Fail" },
      },
    },
    input: {},
    answers: {},
  },
  {
    title: "a timeout that is caught, whose Cause is empty",
    definition: {
      StartAt: "Slow",
      States: { Slow: task("slow", { TimeoutSeconds: 1, Catch: caught, End: true }), Caught: pass },
    },
    input: {},
    answers: { slow: [{ hangs: true }] },
  },
  {
    title: "a timeout, which States.TaskFailed does not mean",
    definition: {
      StartAt: "Slow",
      States: {
        Slow: task("slow", {
          TimeoutSeconds: 15,
          Retry: [
            { ErrorEquals: ["States.TaskFailed"], MaxAttempts: 0 },
            { ErrorEquals: ["States.Timeout"], IntervalSeconds: 1, MaxAttempts: 1 },
          ],
          End: true,
        }),
      },
    },
    input: {},
    answers: { slow: [{ hangs: true }, { result: "in time" }] },
  },
  {
    title: "results and errors that take the place of the whole input",
    definition: {
      StartAt: "One",
      States: {
        One: task("one", { ResultPath: "$", Next: "Two" }),
        Two: task("two", { Catch: [{ ...caught[0], ResultPath: "$" }], End: true }),
        Caught: pass,
      },
    },
    input: { a: 1 },
    answers: { one: [{ result: { b: 2 } }], two: [{ error: "Broken" }] },
  },
  {
    title: "data that grew above 256 KiB on the way",
    definition: {
      StartAt: "One",
      States: {
        One: task("large", { ResultPath: "$.one", Next: "Two" }),
        Two: task("large", { ResultPath: "$.two", End: true }),
      },
    },
    input: {},
    answers: { large },
  },
  {
    title: "a result above 256 KiB",
    definition: { StartAt: "One", States: { One: task("large") } },
    input: {},
    answers: { large: [{ result: "x".repeat(300_000) }] },
  },
];
