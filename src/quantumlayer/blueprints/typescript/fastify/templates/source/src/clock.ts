/** The clock of the service; an offset moves it, for trying out rules about time. */

import type { Instant } from "./values.js";

let offsetMilliseconds = 0;

/** Moves the clock from the system's time. */
export function setOffset(seconds: number): void {
  offsetMilliseconds = seconds * 1000;
}

/** The time in UTC, always written alike, so that texts compare as moments do. */
export function now(): Instant {
  return new Date(Date.now() + offsetMilliseconds).toISOString();
}
