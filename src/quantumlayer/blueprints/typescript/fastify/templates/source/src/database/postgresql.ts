/** PostgreSQL for Kysely: a pool of connections in UTC, values in the types of the application. */

import { PostgresDialect, type PostgresPool } from "kysely";
import pg from "pg";
import { Decimal } from "../values.js";

const POOL_SIZE = 10;
const { builtins } = pg.types;

const READERS = new Map<number, (text: string) => unknown>([
  [builtins.INT8, Number],
  [builtins.NUMERIC, (text) => new Decimal(text)],
  [builtins.DATE, (text) => text],
  [builtins.TIMESTAMPTZ, instant],
]);

/** PostgreSQL writes `2026-01-31 09:30:00.5+00`. */
function instant(text: string): string {
  const [, day, time, fraction = ""] = /^(\S+) ([0-9:]+)(?:\.([0-9]+))?/.exec(text) ?? [];
  return `${day}T${time}.${fraction.padEnd(3, "0").slice(0, 3)}Z`;
}

/** The dialect for a `postgresql://` address. `onError` hears of idle connections that break. */
export function postgresql(address: string, onError: (error: Error) => void): PostgresDialect {
  const pool = new pg.Pool({
    connectionString: address,
    max: POOL_SIZE,
    options: "-c timezone=UTC",
    types: {
      getTypeParser: (oid: number, format?: "text" | "binary") => READERS.get(oid) ?? pg.types.getTypeParser(oid, format as "text"),
    },
  });
  pool.on("error", onError);
  const adapted: PostgresPool = {
    connect: async () => {
      const client = await pool.connect();
      return {
        query: (text: unknown, parameters?: readonly unknown[]) =>
          client.query(text as string, parameters?.map(sent)) as never,
        release: () => client.release(),
      };
    },
    end: () => pool.end(),
  };
  return new PostgresDialect({ pool: adapted });
}

function sent(value: unknown): unknown {
  return value instanceof Decimal ? value.toFixed() : value;
}
