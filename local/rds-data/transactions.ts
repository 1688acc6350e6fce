import { randomBytes } from "node:crypto";
import { DataApiError } from "./errors.ts";
import type { Times } from "./limits.ts";
import type { Session } from "./sessions.ts";

export type Scope = { secretArn: string; database?: string | null | undefined };

type Transaction = {
  id: string;
  secretArn: string;
  database: string | null | undefined;
  session: Session;
  busy: boolean;
  idle: NodeJS.Timeout;
  life: NodeJS.Timeout;
};

export type Transactions = {
  begin(scope: Scope, session: Session): Promise<string>;
  /** Runs `work` on the transaction's connection. Not two at once: the service refuses the second. */
  use<T>(id: string, scope: Scope, work: (session: Session) => Promise<T>): Promise<T>;
  /** Ends it by `commit` or `rollback`; it is gone whatever the outcome. */
  end(id: string, scope: Scope, how: "commit" | "rollback"): Promise<void>;
  /** Rolls it back without being asked, as the service does after a timeout or an oversized result. */
  abandon(id: string): Promise<void>;
  close(): Promise<void>;
};

/** The open transactions. One that is idle or old for too long is rolled back and forgotten. */
export function createTransactions(times: Times): Transactions {
  const open = new Map<string, Transaction>();

  const claim = (id: string, scope: Scope): Transaction => {
    const found = open.get(id);
    if (!found) throw new DataApiError("TransactionNotFoundException", `Transaction ${id} is not found`);
    if (found.secretArn !== scope.secretArn || (scope.database && found.database !== scope.database)) {
      throw new DataApiError("BadRequestException", "The transaction was begun with another secret or database");
    }
    if (found.busy) throw new DataApiError("DatabaseErrorException", "Transaction is still running a query");
    found.busy = true;
    clearTimeout(found.idle);
    return found;
  };

  const remove = (transaction: Transaction): void => {
    open.delete(transaction.id);
    clearTimeout(transaction.idle);
    clearTimeout(transaction.life);
  };

  const rollBack = async (transaction: Transaction): Promise<void> => {
    if (!open.has(transaction.id)) return;
    remove(transaction);
    await transaction.session.client.query("rollback").then(
      () => transaction.session.release(),
      () => transaction.session.release(true),
    );
  };

  const expire = (id: string, after: number): NodeJS.Timeout =>
    setTimeout(() => {
      const transaction = open.get(id);
      if (transaction) void rollBack(transaction);
    }, after).unref();

  return {
    async begin(scope, session) {
      await session.client.query("begin").catch((error) => {
        session.release(true);
        throw error;
      });
      const id = randomBytes(96).toString("base64url");
      const idle = expire(id, times.transactionIdle);
      const life = expire(id, times.transactionLife);
      open.set(id, { id, secretArn: scope.secretArn, database: scope.database, session, busy: false, idle, life });
      return id;
    },
    async use(id, scope, work) {
      const transaction = claim(id, scope);
      try {
        return await work(transaction.session);
      } finally {
        transaction.busy = false;
        if (open.has(id)) transaction.idle = expire(id, times.transactionIdle);
      }
    },
    async end(id, scope, how) {
      const transaction = claim(id, scope);
      remove(transaction);
      try {
        const { command } = await transaction.session.client.query(how);
        transaction.session.release();
        // Postgres answers the commit of a failed transaction with ROLLBACK, and no error.
        if (how === "commit" && command === "ROLLBACK") throw notCommitted();
      } catch (error) {
        if (!(error instanceof DataApiError)) transaction.session.release(true);
        throw error;
      }
    },
    async abandon(id) {
      const transaction = open.get(id);
      if (transaction) await rollBack(transaction);
    },
    async close() {
      await Promise.all([...open.values()].map(rollBack));
    },
  };
}

function notCommitted(): DataApiError {
  const complaint = "current transaction is aborted, commands ignored until end of transaction block";
  return new DataApiError("DatabaseErrorException", `ERROR: ${complaint}; SQLState: 25P02`);
}
