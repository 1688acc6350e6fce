import { expect, test } from "vitest";
import { loggedProviders } from "../../functions/logged-providers.ts";
import { createPostgresProvider } from "../../providers/postgres/postgres-provider.ts";

test("a provider is what it says of itself, logged or not", () => {
  const unasked = () => {
    throw new Error("nobody asks it here");
  };
  const postgres = createPostgresProvider({ dataFor: unasked, secretsFor: unasked });
  const logged = loggedProviders({ postgres }).postgres;
  expect(logged).toMatchObject({ name: "postgres", consistent: true });
  expect(Object.keys(logged ?? {}).sort()).toEqual(Object.keys(postgres).sort());
});
