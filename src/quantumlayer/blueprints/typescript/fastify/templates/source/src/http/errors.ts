/** Refusals as RFC 9457 problem details. */

import { STATUS_CODES } from "node:http";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { ZodError } from "zod";
import { log } from "./logging.js";

export interface FieldError {
  field: string;
  message: string;
}

/** Ends the request with `status`; `errors` lists what is wrong with single fields. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly errors: readonly FieldError[] = [],
  ) {
    super(detail);
  }
}

/** 422 because of one field. */
export function invalid(field: string, message: string): Problem {
  return new Problem(422, `${field}: ${message}`, [{ field, message }]);
}

/** 404: there is no such row, or the caller may not see it. */
export function notFound(): Problem {
  return new Problem(404, "There is no such resource.");
}

/** Answers with a problem. */
export function refuse(reply: FastifyReply, { status, detail, errors }: Problem): FastifyReply {
  const body = { type: "about:blank", title: STATUS_CODES[status] ?? "Error", status, detail };
  if (status === 401) {
    reply.header("www-authenticate", "Bearer");
  }
  return reply
    .code(status)
    .type("application/problem+json")
    .send(status === 422 ? { ...body, errors } : body);
}

function problemOf(error: unknown, request: FastifyRequest): Problem {
  if (error instanceof Problem) {
    return error;
  }
  if (error instanceof ZodError) {
    const errors = error.issues.map((issue) => ({ field: issue.path.join("."), message: issue.message }));
    return new Problem(422, "Some fields are not valid.", errors);
  }
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) {
    return new Problem(status, (error as Error).message);
  }
  log.error({ method: request.method, path: request.url, err: error }, "unhandled error");
  return new Problem(500, "The server could not carry out the request.");
}

/** Makes every error of the application a problem detail. Call it after all routes are known, with the methods of each path. */
export function installErrorHandlers(app: FastifyInstance, methods: ReadonlyMap<string, readonly string[]>): void {
  const known = [...methods].map(([path, its]) => ({ pattern: new RegExp(`^${path.replace(/:[a-z]+/g, "[^/]+")}$`), its }));
  app.setErrorHandler(async (error, request, reply) => refuse(reply, problemOf(error, request)));
  app.setNotFoundHandler(async (request, reply) => {
    const path = request.url.replace(/\?.*/s, "");
    const allowed = new Set(known.flatMap(({ pattern, its }) => (pattern.test(path) ? its : [])));
    if (allowed.size === 0) {
      return refuse(reply, notFound());
    }
    reply.header("allow", [...allowed].sort().join(", "));
    return refuse(reply, new Problem(405, "This method is not allowed here."));
  });
}
