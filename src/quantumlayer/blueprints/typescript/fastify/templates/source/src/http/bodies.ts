/** Bodies are JSON objects or absent; anything else is refused before all other checks. Numbers keep their text. */

import type { FastifyInstance, FastifyRequest } from "fastify";
import { parse } from "lossless-json";
import { Problem } from "./errors.js";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** Leaves every body as bytes: whether it is wanted at all is for the route to say. */
export function installBodyReader(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
}

/** The members of the body; 400 where it is no JSON object. An absent or blank one has none, where that is `optional`. */
export function jsonObject(request: FastifyRequest, optional: boolean): Record<string, unknown> {
  const value = parsed(request.body as Buffer | undefined);
  if (value === undefined && optional) {
    return {};
  }
  if (typeof value !== "object" || value === null || Array.isArray(value) || "isLosslessNumber" in value) {
    throw new Problem(400, "The body is not a JSON object.");
  }
  return Object.assign(Object.create(null), value);
}

function parsed(body: Buffer | undefined): unknown {
  try {
    const text = decoder.decode(body);
    return text.trim() === "" ? undefined : parse(text, null, { onDuplicateKey: ({ newValue }) => newValue });
  } catch {
    throw new Problem(400, "The body is not JSON.");
  }
}
