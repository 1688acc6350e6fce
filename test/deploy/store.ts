import pg from "pg";

/** The five minutes until the next look at each resource are over. */
export async function passTime(superuserUrl: string): Promise<void> {
  await ask(superuserUrl, "update cairn.resources set drift_due_at = now()");
}

export async function tablesOf(superuserUrl: string): Promise<string[]> {
  const rows = await ask(superuserUrl, "select tablename as name from pg_tables where schemaname = 'cairn'");
  return rows.map(({ name }) => name);
}

async function ask(superuserUrl: string, text: string): Promise<{ name: string }[]> {
  const url = new URL(superuserUrl);
  url.pathname = "/cairn";
  const session = new pg.Client({ connectionString: url.href });
  await session.connect();
  try {
    return (await session.query<{ name: string }>(text)).rows;
  } finally {
    await session.end();
  }
}
