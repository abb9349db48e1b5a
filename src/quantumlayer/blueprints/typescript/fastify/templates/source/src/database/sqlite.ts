/** SQLite for Kysely: one connection, writers wait for each other, values in the types of the declared columns. */

import {
  type DatabaseConnection,
  type Driver,
  type SqliteDatabase,
  SqliteDialect,
  SqliteDriver,
  type SqliteStatement,
  type TransactionSettings,
} from "kysely";
import Libsql from "libsql";
import { Decimal } from "../values.js";

const MAX_PREPARED = 500;
const BUSY_MILLISECONDS = 5000;

/** The dialect for the file at `path`. */
export class SqliteFile extends SqliteDialect {
  readonly #path: string;

  constructor(path: string) {
    super({ database: async () => preparing(open(path)) });
    this.#path = path;
  }

  override createDriver(): Driver {
    return new WaitingDriver(open(this.#path));
  }
}

/** A transaction that writes takes its lock at once, so that it never has to give up half-way. */
class WaitingDriver extends SqliteDriver {
  readonly #file: Libsql.Database;

  constructor(file: Libsql.Database) {
    super({ database: async () => preparing(file) });
    this.#file = file;
  }

  override async beginTransaction(_: DatabaseConnection, settings?: TransactionSettings): Promise<void> {
    this.#file.exec(settings?.accessMode === "read only" ? "begin" : "begin immediate");
  }

  override async commitTransaction(): Promise<void> {
    this.#file.exec("commit");
  }

  override async rollbackTransaction(): Promise<void> {
    this.#file.exec("rollback");
  }
}

function open(path: string): Libsql.Database {
  const file = new Libsql(path, { timeout: BUSY_MILLISECONDS });
  for (const pragma of ["journal_mode = wal", "synchronous = normal", "foreign_keys = on"]) {
    file.pragma(pragma);
  }
  return file;
}

/** The file with every statement prepared once. */
function preparing(database: Libsql.Database): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    close: () => void database.close(),
    prepare: (text) => {
      const known = prepared.get(text);
      if (known !== undefined) {
        return known;
      }
      if (prepared.size >= MAX_PREPARED) {
        prepared.clear();
      }
      const statement = new Statement(database.prepare(text));
      prepared.set(text, statement);
      return statement;
    },
  };
}

type Row = Record<string, unknown>;

/** A prepared statement that takes and gives the types of the application. */
class Statement implements SqliteStatement {
  readonly reader: boolean;
  readonly #statement: Libsql.Statement;
  #converted: [string, (value: unknown) => unknown][] | undefined;

  constructor(statement: Libsql.Statement) {
    this.#statement = statement;
    this.reader = statement.reader;
  }

  all(parameters: readonly unknown[]): unknown[] {
    this.#converted ??= conversions(this.#statement);
    const rows = this.#statement.all(parameters.map(stored)) as Row[];
    for (const row of this.#converted.length > 0 ? rows : []) {
      for (const [name, read] of this.#converted) {
        row[name] = row[name] === null ? null : read(row[name]);
      }
    }
    return rows;
  }

  run(parameters: readonly unknown[]): { changes: number; lastInsertRowid: number | bigint } {
    return this.#statement.run(parameters.map(stored));
  }

  iterate(parameters: readonly unknown[]): IterableIterator<unknown> {
    return this.all(parameters).values();
  }
}

function conversions(statement: Libsql.Statement): [string, (value: unknown) => unknown][] {
  const readers: [RegExp, (value: unknown) => unknown][] = [
    [/^boolean/i, Boolean],
    [/^decimal/i, (value) => new Decimal(value as number)],
    [/^json/i, (value) => JSON.parse(value as string)],
  ];
  return statement.columns().flatMap(({ name, type }) => {
    const found = readers.find(([pattern]) => type !== null && pattern.test(type));
    return found ? [[name, found[1]] as [string, (value: unknown) => unknown]] : [];
  });
}

/** SQLite has neither booleans nor exact decimals: it keeps 0 and 1, and the double whose shortest form is the decimal. */
function stored(value: unknown): unknown {
  if (typeof value === "boolean") {
    return value ? 1 : 0;
  }
  return value instanceof Decimal ? value.toNumber() : value;
}
