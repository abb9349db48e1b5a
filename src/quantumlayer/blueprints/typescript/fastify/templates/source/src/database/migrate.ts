/** Brings a database to the current schema. Replicas that start together take turns. */

import { Migrator } from "kysely";
import type { Database } from "./database.js";
import { firstTables } from "./migrations/0001-first-tables.js";

/** Applies every migration that is missing. */
export async function migrate(database: Database): Promise<void> {
  const migrator = new Migrator({
    db: database.kysely,
    provider: { getMigrations: async () => ({ "0001-first-tables": firstTables(database.dialect) }) },
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) {
    throw error;
  }
}
