/** The database and its transactions: one per request, so that rules hold however many requests arrive at once. */

import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, sql, type Transaction } from "kysely";
import { Problem } from "../http/errors.js";
import { log } from "../http/logging.js";
import type { Tables } from "../tables/tables.js";
import { type DialectName, functionsOf, type SqlFunctions } from "./functions.js";
import { postgresql } from "./postgresql.js";
import { SqliteFile } from "./sqlite.js";

const MAX_ATTEMPTS = 16;
const RETRIED = new Set(["40001", "40P01"]);
const NOT_UNIQUE = new Set(["23505", "SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"]);
const REFERRED_TO = new Set(["23503", "23001", "SQLITE_CONSTRAINT_FOREIGNKEY", "SQLITE_CONSTRAINT_TRIGGER"]);

export type Db = Transaction<Tables>;

/** A database with the two ways to use it. */
export class Database {
  readonly kysely: Kysely<Tables>;
  readonly dialect: DialectName;
  readonly fn: SqlFunctions;
  #turn: Promise<unknown> = Promise.resolve();

  /** `url` is `sqlite:///file` or `postgresql://user:password@host/name`. */
  constructor(url: string) {
    this.dialect = /^postgres(ql)?:/.test(url) ? "postgresql" : "sqlite";
    this.fn = functionsOf(this.dialect);
    const lost = (error: Error) => log.warn({ error: error.message }, "a database connection was lost");
    this.kysely = new Kysely<Tables>({
      dialect: this.dialect === "postgresql" ? postgresql(url, lost) : new SqliteFile(filePath(url)),
    });
  }

  /** Runs `action` in one serialisable transaction, again where PostgreSQL asks for it. Those that lost take turns. */
  async write<T>(action: (db: Db) => Promise<T>): Promise<T> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      try {
        return await (attempt === 0 ? this.#writeOnce(action) : this.#inTurn(() => this.#writeOnce(action)));
      } catch (error) {
        if (!RETRIED.has(codeOf(error))) {
          throw conflict(error);
        }
        await sleep(2 * 2 ** Math.min(attempt, 6));
      }
    }
    throw new Problem(503, "Too many requests change the same rows at once. Try again.");
  }

  /** Runs `action` on one consistent view of the data. */
  async read<T>(action: (db: Db) => Promise<T>): Promise<T> {
    const transaction = this.kysely.transaction().setAccessMode("read only");
    return await (this.dialect === "postgresql"
      ? transaction.setIsolationLevel("repeatable read")
      : transaction
    ).execute(action);
  }

  /** Rejects where the database does not answer. */
  async ping(): Promise<void> {
    await sql`select 1`.execute(this.kysely);
  }

  async close(): Promise<void> {
    await this.kysely.destroy();
  }

  async #writeOnce<T>(action: (db: Db) => Promise<T>): Promise<T> {
    const transaction = this.kysely.transaction();
    return await (this.dialect === "postgresql" ? transaction.setIsolationLevel("serializable") : transaction).execute(
      action,
    );
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(action);
    this.#turn = mine.catch(() => undefined);
    return await mine;
  }
}

function filePath(url: string): string {
  return url.replace(/^sqlite:\/\//, "").replace(/^\//, "") || ":memory:";
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}

function conflict(error: unknown): unknown {
  const code = codeOf(error);
  if (NOT_UNIQUE.has(code)) {
    return new Problem(409, "Another resource has the same values where they must be unique.");
  }
  return REFERRED_TO.has(code) ? new Problem(409, "Other resources refer to this one.") : error;
}
