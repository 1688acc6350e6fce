import { describe, expect, it } from "vitest";
import { type Definition, prepareDefinition } from "../../../local/step-functions/definition.ts";

const functionArn = (name: string) => `arn:aws:lambda:eu-central-1:000000000000:function:${name}`;
const prepare = (definition: object) => prepareDefinition("m", definition, functionArn);
const task = (more: object = {}) => ({ Type: "Task", Resource: "${work}", End: true, ...more });
const alone = (state: object) => ({ StartAt: "S", States: { S: state } });
const inMap = (state: object) =>
  alone({ Type: "Map", End: true, ItemProcessor: { StartAt: "I", States: { I: state } } });

describe("a definition", () => {
  it("gets its functions' ARNs in place of the placeholders, inside Map and Parallel too", () => {
    const prepared = prepare({
      StartAt: "A",
      States: {
        A: task({ Next: "B", End: undefined }),
        B: inMap(task()).States.S,
        C: { Type: "Parallel", End: true, Branches: [{ StartAt: "D", States: { D: task() } }] },
      },
    });
    expect(JSON.stringify(prepared)).not.toContain("${");
    expect(JSON.stringify(prepared).match(/function:work/g)).toHaveLength(3);
  });

  it("keeps the timeouts it has, and gives a Task without one AWS's: none", () => {
    const secondsOf = (definition: Definition) => definition.States.S?.TimeoutSeconds;
    expect(secondsOf(prepare(alone(task({ TimeoutSeconds: 7 }))))).toBe(7);
    expect(secondsOf(prepare(alone(task())))).toBeGreaterThan(24 * 24 * 3600);
    expect(secondsOf(prepare(alone(task({ TimeoutSecondsPath: "$.t" }))))).toBeUndefined();
  });

  it("loses a ResultPath that says what is so without it", () => {
    const Catch = [{ ErrorEquals: ["States.ALL"], Next: "S", ResultPath: "$" }];
    const { States } = prepare(alone(task({ ResultPath: "$", Catch })));
    expect(States.S).not.toHaveProperty("ResultPath");
    expect(States.S?.Catch).toEqual([{ ErrorEquals: ["States.ALL"], Next: "S" }]);
    expect(prepare(alone(task({ ResultPath: null }))).States.S?.ResultPath).toBeNull();
  });

  it("is not changed itself", () => {
    const written = alone(task());
    prepare(written);
    expect(written).toEqual(alone(task()));
  });

  it("may use any field name in its payloads", () => {
    expect(() => prepare(alone(task({ Parameters: { Output: 1, Result: null, Assign: "x" } })))).not.toThrow();
  });

  it.each([
    [alone(task({ QueryLanguage: "JSONata" })), "JSONata"],
    [alone(task({ Arguments: {} })), "JSONata"],
    [alone(task({ Assign: { x: 1 } })), "variables"],
    [alone(task({ HeartbeatSeconds: 5 })), "heartbeats"],
    [alone(task({ Resource: "arn:aws:states:::lambda:invoke" })), "only functions"],
    [alone(task({ Resource: "arn:aws:states:::sqs:sendMessage.waitForTaskToken" })), "only functions"],
    [alone(task({ Parameters: { "token.$": "$$.Task.Token" } })), "context object"],
    [alone(task({ Parameters: { "at.$": "$$.State.EnteredTime" } })), "context object"],
    [alone(task({ TimeoutSeconds: 99_999_999 })), "is not waited for"],
    [alone({ Type: "Wait", Seconds: 99_999_999, End: true }), "is not waited for"],
    [alone({ Type: "Pass", Result: false, End: true }), "falsy Result"],
    [
      alone({
        Type: "Map",
        ItemProcessor: { ProcessorConfig: { Mode: "DISTRIBUTED" }, StartAt: "I", States: { I: task() } },
      }),
      "inline Map",
    ],
    [inMap(task({ Parameters: { "in.$": "$$.Execution.Input.id" } })), "execution's input"],
    [inMap({ Type: "Parallel", Branches: [{ StartAt: "S", States: { S: task() } }], End: true }), "used twice"],
    [inMap({ Type: "Map", ItemProcessor: { StartAt: "J", States: { J: task() } }, End: true }), "Map inside a Map"],
  ])("that would run differently here is refused: %o", (definition, why) => {
    expect(() => prepare(definition)).toThrow(why);
  });
});
