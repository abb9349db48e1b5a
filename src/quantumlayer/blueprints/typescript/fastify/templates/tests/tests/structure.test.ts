/** What every service has: health, metrics, migrations that can run again, errors in one form. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createApp } from "../src/app.js";
import { Database } from "../src/database/database.js";
import { migrate } from "../src/database/migrate.js";
import { settingsFrom } from "../src/settings.js";
import { Api, SETTINGS, withApi } from "./support.js";

test("health answers once the database does", async () => {
  await withApi(async (api) => {
    assert.deepEqual(await api.call("GET", "/health", { status: 200 }), { status: "ok" });
  });
});

test("health tells that the database is gone", async () => {
  const database = new Database("sqlite://");
  await migrate(database);
  const app = await createApp(SETTINGS, database);
  await database.close();
  await new Api(app).call("GET", "/health", { status: 503 });
});

test("metrics count requests", async () => {
  await withApi(async (api) => {
    await api.call("GET", "/health", { status: 200 });
    const { body } = await api.send("GET", "/metrics");
    assert.match(body, /http_requests_total\{method="GET",route="\/health",status="200"\} 1/);
  });
});

test("unknown paths and methods are problems", async () => {
  await withApi(async (api) => {
    const problem = await api.call("GET", "/no-such-path", { status: 404 });
    assert.deepEqual([problem.type, problem.title, problem.status], ["about:blank", "Not Found", 404]);
    assert.equal((await api.call("DELETE", "/health", { status: 405 })).status, 405);
    await api.call("GET", "/%zz", { status: 404 });
  });
});

test("the OpenAPI document describes the application", async () => {
  await withApi(async (api) => {
    const document = await api.call("GET", "/openapi.json", { status: 200 });
    assert.match(document.openapi, /^3\./);
  });
});

test("migrations run once", async () => {
  const database = new Database("sqlite://");
  await migrate(database);
  await migrate(database);
  await database.ping();
  await database.close();
});

test("settings that are no numbers are refused", () => {
  assert.equal(settingsFrom({ PORT: "8123" }).port, 8123);
  assert.throws(() => settingsFrom({ PORT: "http" }), /PORT must be a number/);
});
