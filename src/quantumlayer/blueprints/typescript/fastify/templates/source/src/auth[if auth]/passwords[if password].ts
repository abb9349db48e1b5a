/** Passwords, hashed with Argon2id. */

import { hash, type Options, verify } from "@node-rs/argon2";

/** The cost of a hash; tests make it cheap. */
export const cost: Options = { memoryCost: 65_536, timeCost: 3, parallelism: 4 };

let nobody: Promise<string> | undefined;

/** What is stored of a password. */
export async function hashPassword(password: string): Promise<string> {
  return await hash(password, cost);
}

/** Whether it is the password; takes as long where there is no account. */
export async function matches(stored: string | null, password: string): Promise<boolean> {
  nobody ??= hashPassword("nobody has this password");
  const right = await verify(stored ?? (await nobody), password);
  return right && stored !== null;
}
