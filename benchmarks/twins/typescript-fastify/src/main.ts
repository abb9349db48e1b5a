/** The to-do service as one would write it by hand in one sitting: Fastify, Zod, Kysely, one table, list and create. */

import Fastify from "fastify";
import { type Generated, Kysely, SqliteDialect, sql } from "kysely";
import Libsql from "libsql";
import { z } from "zod";

interface Tables {
  tasks: {
    id: Generated<number>;
    title: string;
    notes: string | null;
    due_date: string;
    priority: "low" | "medium" | "high";
    done: number;
    created_at: string;
  };
}

const NewTask = z.object({
  title: z.string(),
  notes: z.string().nullish(),
  due_date: z.iso.date(),
  priority: z.enum(["low", "medium", "high"]),
  done: z.boolean().default(false),
});
const Page = z.object({ limit: z.coerce.number().max(100).default(50), offset: z.coerce.number().default(0) });

const file = new Libsql((process.env["DATABASE_URL"] ?? "sqlite:///app.db").slice("sqlite:///".length));
file.pragma("journal_mode = wal");
file.pragma("synchronous = normal");
const database = new Kysely<Tables>({ dialect: new SqliteDialect({ database: file as never }) });
await sql`
  CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY, title TEXT NOT NULL, notes TEXT, due_date TEXT NOT NULL, priority TEXT NOT NULL,
    done INTEGER NOT NULL, created_at TEXT NOT NULL
  )`.execute(database);

const app = Fastify();
app.get("/health", async () => ({ status: "ok" }));

app.get("/tasks", async (request) => {
  const { limit, offset } = Page.parse(request.query);
  const rows = await database.selectFrom("tasks").selectAll().orderBy("id", "desc").limit(limit).offset(offset).execute();
  const { total } = await database
    .selectFrom("tasks")
    .select(({ fn }) => fn.countAll<number>().as("total"))
    .executeTakeFirstOrThrow();
  return { items: rows.map((row) => ({ ...row, done: row.done === 1 })), total };
});

app.post("/tasks", async (request, reply) => {
  const body = NewTask.parse(request.body);
  const row = await database
    .insertInto("tasks")
    .values({ ...body, notes: body.notes ?? null, done: Number(body.done), created_at: new Date().toISOString() })
    .returningAll()
    .executeTakeFirstOrThrow();
  return reply.code(201).send({ ...row, done: row.done === 1 });
});

process.once("SIGTERM", () => void app.close().then(() => process.exit(0)));
await app.listen({ host: "0.0.0.0", port: Number(process.env["PORT"]) });
