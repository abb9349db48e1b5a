/** One log line and one measurement a request, and what Prometheus scrapes. */

import type { FastifyInstance } from "fastify";
import { Counter, Histogram, Registry } from "prom-client";
import { log } from "./logging.js";

/** Observes every request of the application and serves `/metrics`. */
export function installObservability(app: FastifyInstance): void {
  const registry = new Registry();
  const registers = [registry];
  const requests = new Counter({
    name: "http_requests_total",
    help: "Requests answered.",
    labelNames: ["method", "route", "status"],
    registers,
  });
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time to answer.",
    labelNames: ["method", "route"],
    registers,
  });
  app.addHook("onResponse", (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? "unmatched";
    requests.inc({ method, route, status: reply.statusCode });
    durations.observe({ method, route }, reply.elapsedTime / 1000);
    const path = request.url.replace(/\?.*/s, "");
    log.info({ method, path, status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime * 100) / 100 }, "request");
    done();
  });
  app.get("/metrics", async (_, reply) => reply.type(registry.contentType).send(await registry.metrics()));
}
