export type Conditions = { [operator: string]: { [key: string]: string | string[] } };

/** One statement of a policy, with nothing left that a template only refers to. */
export type Statement = {
  effect: "Allow" | "Deny";
  actions: string[];
  /** The actions are those it is not about. */
  others: boolean;
  resources: string[];
  conditions: Conditions;
};

export type Asked = { action: string; resource: string; context: { readonly [key: string]: string } };

/** Whether a statement is about a call, as IAM matches it: names of actions in any case, `*` and `?` in both. */
export function covers(statement: Statement, { action, resource, context }: Asked): boolean {
  const named = statement.actions.some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()));
  return (
    named !== statement.others &&
    statement.resources.some((pattern) => matches(pattern, resource)) &&
    Object.entries(statement.conditions).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, [values].flat(), context[key])),
    )
  );
}

/** Allowed by one statement, and denied by none. */
export function allows(statements: readonly Statement[], asked: Asked): boolean {
  const about = statements.filter((statement) => covers(statement, asked));
  return about.length > 0 && about.every(({ effect }) => effect === "Allow");
}

export function matches(pattern: string, text: string): boolean {
  const escaped = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${escaped}$`, "s").test(text);
}

/** @throws for an operator that no policy of Cairn's has had so far: a condition that is not understood must not pass */
function holds(operator: string, wanted: string[], value: string | undefined): boolean {
  const some = (test: (pattern: string, text: string) => boolean) =>
    value !== undefined && wanted.some((pattern) => test(pattern, value));
  switch (operator) {
    case "StringEquals":
    case "Bool":
      return some((pattern, text) => pattern === text);
    case "StringNotEquals":
      return !some((pattern, text) => pattern === text);
    case "StringLike":
    case "ArnEquals":
    case "ArnLike":
    case "ForAnyValue:StringLike":
      return some(matches);
    default:
      throw new Error(`the condition operator ${operator} is not known here`);
  }
}
