/** Values that JSON and databases carry as text or numbers, and what the service makes of them. */

import { Decimal } from "decimal.js";

Decimal.set({ precision: 60, rounding: Decimal.ROUND_HALF_UP });

/** A moment in UTC with milliseconds: `2026-01-31T09:30:00.000Z`. */
export type Instant = string;

/** A day: `2026-01-31`. */
export type PlainDate = string;

/** Half away from zero, to so many places, as a JSON number. */
export function rounded(value: Decimal | number, places: number): number;
export function rounded(value: Decimal | number | null, places: number): number | null;
export function rounded(value: Decimal | number | null, places: number): number | null {
  return value === null ? null : new Decimal(value).toDecimalPlaces(places).toNumber();
}

/** What a rule has made sure of: a value that is there. */
export function known<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) {
    throw new TypeError("a value is missing that a rule relies on");
  }
  return value;
}

export { Decimal };
