import type { FunctionName, MachineName } from "../../functions/manifest.ts";

/** What a function does the next time it is called: the last of its answers goes on for ever. */
export type Answer = { result: unknown } | { error: string } | { hangs: true };

/**
 * One execution with functions that do as told: which states it enters, in order, and how it ends. Plain data, so that
 * any service that runs the definitions can be held to it.
 */
export type Scenario = {
  machine: MachineName;
  title: string;
  input: object;
  answers: { readonly [name in FunctionName]?: readonly Answer[] };
  states: readonly string[];
  end: { status: "SUCCEEDED" } | { status: "FAILED"; error: string };
  /** How often each function is called where a retry calls it more often than its state is entered. */
  calls?: { readonly [name in FunctionName]?: number };
};

const ref = { team: "payments", operation: "0192f3c1-7a10-7c3e-9a51-000000000001", epoch: 3 };
const run = "0192f3c1-7a10-7c3e-9a51-000000000002";
const batch = [{ team: "payments", id: "0192f3c1-7a10-7c3e-9a51-000000000003" }];
const sentHash = "5".repeat(64);

const does = (...results: unknown[]): Answer[] => results.map((result) => ({ result }));
const fails = (error: string, times = 1): Answer[] => Array.from({ length: times }, () => ({ error }));
const succeeded = { status: "SUCCEEDED" } as const;
const leftToTheSweep = { status: "FAILED", error: "LeftToTheSweep" } as const;

const claimed = { "claim-operation": does({ next: "observe" }) };
const apply = { next: "apply", identifier: null, sentHash };
const wait = { next: "wait", seconds: 7 };
const start = { next: "start", startable: [{ ...ref, epoch: 1 }] };
const end = { next: "end" };
/** Thrown by the service, not by a function: the call may not have run at all, or may have. */
const invocationErrors = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
];
/** The first of them says that it has not. */
const lambdaErrors = ["Lambda.TooManyRequestsException", ...invocationErrors];
const hangs: Answer[] = [{ hangs: true }];

const reconcile = (scenario: Omit<Scenario, "machine" | "input">): Scenario => ({
  machine: "reconcile",
  input: ref,
  ...scenario,
});
const drift = (scenario: Omit<Scenario, "machine">): Scenario => ({ machine: "drift", ...scenario });
const calledAgain = (name: "claim-drift" | "observe-drift" | "report-drift", error: string, times: number): Scenario =>
  drift({
    title: `calls ${name} again after ${error}`,
    input: { run },
    answers: {
      "claim-drift": does({ run, batch }, { run, batch: [] }),
      "observe-drift": does({ seen: 1, unseen: 0 }),
      "report-drift": does({ run }),
      [name]: [
        ...fails(error, times),
        ...(name === "claim-drift" ? does({ run, batch }, { run, batch: [] }) : does({ run })),
      ],
    },
    states: ["Run", "Claim", "Claimed", "Observe", "Claim", "Claimed", "Report"],
    end: succeeded,
    calls: { [name]: times + (name === "claim-drift" ? 2 : 1) },
  });

export const scenarios: readonly Scenario[] = [
  reconcile({
    title: "makes a resource with one wait",
    answers: { ...claimed, "observe-resource": does(apply, end), "apply-resource": does(wait) },
    states: ["Claim", "Observe", "Route", "Apply", "Applied", "Wait", "Observe", "Route", "Done"],
    end: succeeded,
  }),
  reconcile({
    title: "makes a resource that others wait for",
    answers: {
      ...claimed,
      "observe-resource": does(apply, start),
      "apply-resource": does(wait),
      "start-operations": does({ started: 1 }),
    },
    states: ["Claim", "Observe", "Route", "Apply", "Applied", "Wait", "Observe", "Route", "StartNext"],
    end: succeeded,
  }),
  reconcile({
    title: "looks once more while the provider is at it",
    answers: { ...claimed, "observe-resource": does(apply, wait, end), "apply-resource": does(wait) },
    states: [
      "Claim",
      "Observe",
      "Route",
      "Apply",
      "Applied",
      "Wait",
      "Observe",
      "Route",
      "Wait",
      "Observe",
      "Route",
      "Done",
    ],
    end: succeeded,
  }),
  reconcile({
    title: "finds all as wanted",
    answers: { ...claimed, "observe-resource": does(end) },
    states: ["Claim", "Observe", "Route", "Done"],
    end: succeeded,
  }),
  reconcile({
    title: "ends an operation that the provider refuses, and starts who can go on",
    answers: {
      ...claimed,
      "observe-resource": does(apply),
      "apply-resource": does(start),
      "start-operations": does({ started: 0 }),
    },
    states: ["Claim", "Observe", "Route", "Apply", "Applied", "StartNext"],
    end: succeeded,
  }),
  reconcile({
    title: "leaves an operation that waits to its row",
    answers: { ...claimed, "observe-resource": does(apply), "apply-resource": does(end) },
    states: ["Claim", "Observe", "Route", "Apply", "Applied", "Done"],
    end: succeeded,
  }),
  reconcile({
    title: "has nothing to do when the claim is lost",
    answers: { "claim-operation": fails("OperationLost") },
    states: ["Claim", "Done"],
    end: succeeded,
    calls: { "claim-operation": 1 },
  }),
  reconcile({
    title: "claims again while the store is out of reach",
    answers: {
      "claim-operation": [...fails("StoreUnavailable", 4), ...does({ next: "observe" })],
      "observe-resource": does(end),
    },
    states: ["Claim", "Observe", "Route", "Done"],
    end: succeeded,
    calls: { "claim-operation": 5 },
  }),
  reconcile({
    title: "gives the claim up after five tries: nothing was written, and the row is due again",
    answers: { "claim-operation": fails("StoreUnavailable") },
    states: ["Claim"],
    end: { status: "FAILED", error: "StoreUnavailable" },
    calls: { "claim-operation": 5 },
  }),
  reconcile({
    title: "fails when the claim ends in an error nobody expected",
    answers: { "claim-operation": fails("TypeError") },
    states: ["Claim"],
    end: { status: "FAILED", error: "TypeError" },
    calls: { "claim-operation": 1 },
  }),
  reconcile({
    title: "looks again while the store is out of reach",
    answers: { ...claimed, "observe-resource": [...fails("StoreUnavailable", 4), ...does(end)] },
    states: ["Claim", "Observe", "Route", "Done"],
    end: succeeded,
    calls: { "observe-resource": 5 },
  }),
  reconcile({
    title: "leaves to the sweep what it could not look at for want of a store",
    answers: { ...claimed, "observe-resource": fails("StoreUnavailable") },
    states: ["Claim", "Observe", "LeftToTheSweep"],
    end: leftToTheSweep,
    calls: { "observe-resource": 5, "release-operation": 0 },
  }),
  ...lambdaErrors.map((error) =>
    reconcile({
      title: `claims again after ${error}`,
      answers: { "claim-operation": [...fails(error), ...does({ next: "observe" })], "observe-resource": does(end) },
      states: ["Claim", "Observe", "Route", "Done"],
      end: succeeded,
      calls: { "claim-operation": 2 },
    }),
  ),
  ...lambdaErrors.map((error) =>
    reconcile({
      title: `looks again after ${error}`,
      answers: { ...claimed, "observe-resource": [...fails(error), ...does(end)] },
      states: ["Claim", "Observe", "Route", "Done"],
      end: succeeded,
      calls: { "observe-resource": 2 },
    }),
  ),
  ...[...invocationErrors, "Sandbox.Timedout", "TypeError"].map((error) =>
    reconcile({
      title: `never asks a provider a second time after ${error}: what came of the first is looked up`,
      answers: {
        ...claimed,
        "observe-resource": does(apply),
        "apply-resource": fails(error),
        "release-operation": does(end),
      },
      states: ["Claim", "Observe", "Route", "Apply", "Release", "Route", "Done"],
      end: succeeded,
      calls: { "apply-resource": 1 },
    }),
  ),
  reconcile({
    title: "asks again where the function was not started at all",
    answers: {
      ...claimed,
      "observe-resource": does(apply, end),
      "apply-resource": [...fails("Lambda.TooManyRequestsException"), ...does(wait)],
    },
    states: ["Claim", "Observe", "Route", "Apply", "Applied", "Wait", "Observe", "Route", "Done"],
    end: succeeded,
    calls: { "apply-resource": 2 },
  }),
  reconcile({
    title: "leaves to the sweep what could not be written after asking",
    answers: { ...claimed, "observe-resource": does(apply), "apply-resource": fails("StoreUnavailable") },
    states: ["Claim", "Observe", "Route", "Apply", "LeftToTheSweep"],
    end: leftToTheSweep,
    calls: { "apply-resource": 1, "release-operation": 0 },
  }),
  reconcile({
    title: "lets an operation go whose look ended in an error nobody expected",
    answers: { ...claimed, "observe-resource": fails("TypeError"), "release-operation": does(end) },
    states: ["Claim", "Observe", "Release", "Route", "Done"],
    end: succeeded,
    calls: { "observe-resource": 1 },
  }),
  reconcile({
    title: "starts who can go on after such an error was once too often",
    answers: {
      ...claimed,
      "observe-resource": fails("TypeError"),
      "release-operation": does(start),
      "start-operations": does({ started: 1 }),
    },
    states: ["Claim", "Observe", "Release", "Route", "StartNext"],
    end: succeeded,
  }),
  reconcile({
    title: "leaves to the sweep what it could not even let go",
    answers: { ...claimed, "observe-resource": fails("TypeError"), "release-operation": fails("StoreUnavailable") },
    states: ["Claim", "Observe", "Release", "LeftToTheSweep"],
    end: leftToTheSweep,
    calls: { "release-operation": 1 },
  }),
  reconcile({
    title: "leaves to the sweep whom it could not start",
    answers: { ...claimed, "observe-resource": does(start), "start-operations": fails("ThrottlingException") },
    states: ["Claim", "Observe", "Route", "StartNext", "LeftToTheSweep"],
    end: leftToTheSweep,
  }),
  reconcile({
    title: "fails when the claim takes too long: nothing is known to be written, and the row is due again",
    answers: { "claim-operation": hangs },
    states: ["Claim"],
    end: { status: "FAILED", error: "States.Timeout" },
    calls: { "claim-operation": 1 },
  }),
  reconcile({
    title: "lets an operation go whose look takes too long",
    answers: { ...claimed, "observe-resource": hangs, "release-operation": does(end) },
    states: ["Claim", "Observe", "Release", "Route", "Done"],
    end: succeeded,
    calls: { "observe-resource": 1 },
  }),
  reconcile({
    title: "never asks a provider a second time after it took too long to answer",
    answers: {
      ...claimed,
      "observe-resource": does(apply),
      "apply-resource": hangs,
      "release-operation": does(end),
    },
    states: ["Claim", "Observe", "Route", "Apply", "Release", "Route", "Done"],
    end: succeeded,
    calls: { "apply-resource": 1 },
  }),
  reconcile({
    title: "leaves to the sweep what it takes too long to let go",
    answers: { ...claimed, "observe-resource": fails("TypeError"), "release-operation": hangs },
    states: ["Claim", "Observe", "Release", "LeftToTheSweep"],
    end: leftToTheSweep,
    calls: { "release-operation": 1 },
  }),
  reconcile({
    title: "leaves to the sweep whom it takes too long to start",
    answers: { ...claimed, "observe-resource": does(start), "start-operations": hangs },
    states: ["Claim", "Observe", "Route", "StartNext", "LeftToTheSweep"],
    end: leftToTheSweep,
  }),
  drift({
    title: "ends a run in which nothing is due",
    input: { version: "0", source: "aws.events", detail: {} },
    answers: { "claim-drift": does({ run, batch: [] }), "report-drift": does({ run }) },
    states: ["Run", "NewRun", "Claimed", "Report"],
    end: succeeded,
  }),
  drift({
    title: "looks batch by batch until nothing is due",
    input: {},
    answers: {
      "claim-drift": does({ run, batch }, { run, batch }, { run, batch: [] }),
      "observe-drift": does({ seen: 1, unseen: 0 }),
      "report-drift": does({ run }),
    },
    states: ["Run", "NewRun", "Claimed", "Observe", "Claim", "Claimed", "Observe", "Claim", "Claimed", "Report"],
    end: succeeded,
  }),
  drift({
    title: "looks at the one resource that a verification is about",
    input: { run },
    answers: {
      "claim-drift": does({ run, batch }, { run, batch: [] }),
      "observe-drift": does({ seen: 1, unseen: 0 }),
      "report-drift": does({ run }),
    },
    states: ["Run", "Claim", "Claimed", "Observe", "Claim", "Claimed", "Report"],
    end: succeeded,
  }),
  drift({
    title: "ends in a report even when a look ends in an error nobody expected",
    input: { run },
    answers: {
      "claim-drift": does({ run, batch }),
      "observe-drift": fails("TypeError"),
      "report-drift": does({ run }),
    },
    states: ["Run", "Claim", "Claimed", "Observe", "Report"],
    end: succeeded,
    calls: { "observe-drift": 1 },
  }),
  ...(["claim-drift", "observe-drift", "report-drift"] as const).flatMap((name) => [
    calledAgain(name, "StoreUnavailable", 5),
    ...lambdaErrors.map((error) => calledAgain(name, error, 1)),
  ]),
  ...lambdaErrors.map((error) =>
    drift({
      title: `opens a run after ${error}`,
      input: {},
      answers: { "claim-drift": [...fails(error), ...does({ run, batch: [] })], "report-drift": does({ run }) },
      states: ["Run", "NewRun", "Claimed", "Report"],
      end: succeeded,
      calls: { "claim-drift": 2 },
    }),
  ),
  drift({
    title: "ends in a report even when a look takes too long",
    input: { run },
    answers: { "claim-drift": does({ run, batch }), "observe-drift": hangs, "report-drift": does({ run }) },
    states: ["Run", "Claim", "Claimed", "Observe", "Report"],
    end: succeeded,
    calls: { "observe-drift": 1 },
  }),
  ...(["claim-drift", "report-drift"] as const).map((name) =>
    drift({
      title: `fails when ${name} takes too long`,
      input: { run },
      answers: { "claim-drift": does({ run, batch: [] }), [name]: hangs },
      states: name === "claim-drift" ? ["Run", "Claim"] : ["Run", "Claim", "Claimed", "Report"],
      end: { status: "FAILED", error: "States.Timeout" },
    }),
  ),
  drift({
    title: "fails when no run can be opened",
    input: {},
    answers: { "claim-drift": fails("StoreUnavailable") },
    states: ["Run", "NewRun"],
    end: { status: "FAILED", error: "StoreUnavailable" },
    calls: { "claim-drift": 6 },
  }),
];
