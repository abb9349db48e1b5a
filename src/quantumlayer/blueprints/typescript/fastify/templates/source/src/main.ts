/** Runs the server; after SIGTERM it finishes what it has begun and exits with 0. */

import { existsSync } from "node:fs";
import { createApp } from "./app.js";
import { Database } from "./database/database.js";
import { migrate } from "./database/migrate.js";
import { log } from "./http/logging.js";
import { settingsFrom } from "./settings.js";

if (existsSync(".env")) {
  process.loadEnvFile(".env");
}
const settings = settingsFrom(process.env);
const database = new Database(settings.databaseUrl);
await migrate(database);
const app = await createApp(settings, database);
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => {
    void app.close().then(() => process.exit(0));
  });
}
const address = await app.listen({ host: settings.host, port: settings.port });
log.info({ address }, "listening");
