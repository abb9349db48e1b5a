/** Unguessable secrets and what is kept of them. */

import { createHash, randomBytes } from "node:crypto";

const SECRET_BYTES = 32;

/** A fresh token or key, 256 bits. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** What is stored of a secret. It is random already, so a plain hash is enough. */
export function digest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}
