/** How the values of bodies and queries are read: strictly, so that nothing is guessed. */

import { LosslessNumber } from "lossless-json";
import { z } from "zod";
import { Decimal, type Instant, type PlainDate } from "../values.js";
import { notFound } from "./errors.js";

const MAX_INTEGER = Number.MAX_SAFE_INTEGER;
const MAX_DECIMAL = new Decimal(10).pow(12);
const LONGEST_NUMBER = 400;
const LONGEST_ITEM = 255;
const INTEGER = /^-?[0-9]{1,16}$/;
const NUMBER = /^-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,3})?$/;
const KEY = /^(0|[1-9][0-9]{0,15})$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const TIME = /^([01][0-9]|2[0-3]):[0-5][0-9]$/;
const MOMENT =
  /^([0-9]{4}-[0-9]{2}-[0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(\.[0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/;

/** Says why a value is not taken. */
class Refusal extends Error {}

type Reader<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T, unknown>>;

function reader<T>(read: (value: unknown) => T): Reader<T> {
  return z.unknown().transform((value, context) => {
    try {
      if (value === undefined || value === null) {
        refuse(value === undefined ? "is missing" : "must not be null");
      }
      return read(value);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });
}

function refuse(message: string): never {
  throw new Refusal(message);
}

interface TextOptions {
  min?: number;
  max?: number;
  notBlank?: boolean;
  patterns?: readonly string[];
  lower?: boolean;
}

interface Bounds {
  min?: number;
  max?: number;
  above?: number;
  below?: number;
  step?: number;
}

interface Counts {
  min?: number;
  max?: number;
}

/** A text; its length counts code points. */
export function text({ min = 0, max = Number.POSITIVE_INFINITY, notBlank = false, patterns = [], lower = false }: TextOptions = {}) {
  const wanted = patterns.map(whole);
  return reader((value) => {
    const found = string(value);
    const length = [...found].length;
    if (length < min || length > max) {
      const least = min === 1 ? "must not be empty" : `must have at least ${min} characters`;
      refuse(length < min ? least : `must have at most ${max} characters`);
    }
    if (notBlank && found.trim() === "") {
      refuse("must not be empty or blank");
    }
    if (!wanted.every((pattern) => pattern.test(found))) {
      refuse("does not have the right form");
    }
    return lower ? found.toLowerCase() : found;
  });
}

/** A pattern that all of a text must match. */
function whole(pattern: string): RegExp {
  const insensitive = pattern.startsWith("(?i)");
  return new RegExp(`^(?:${insensitive ? pattern.slice(4) : pattern})$`, insensitive ? "iu" : "u");
}

function string(value: unknown): string {
  if (typeof value !== "string") {
    return refuse("must be a text");
  }
  if (value.includes("\0")) {
    refuse("must not contain NUL characters");
  }
  if (/\p{Surrogate}/u.test(value)) {
    refuse("must be valid Unicode");
  }
  return value;
}

/** One of these texts. */
export function choice<const T extends string>(values: readonly T[]) {
  return reader((value) => {
    const found = string(value);
    return values.find((known) => known === found) ?? refuse(`must be one of ${values.join(", ")}`);
  });
}

/** Every list of this sort is refused. */
export function never() {
  return reader((): string => refuse("this list cannot be sorted"));
}

/** A whole number. */
export function integer(bounds: Bounds = {}) {
  return reader((value) => within(integerIn(value), bounds));
}

/** A whole number in a query. */
export function queryInteger(bounds: Bounds = {}) {
  return reader((value) => within(integerOf(string(value)), bounds));
}

/** A double. */
export function number(bounds: Bounds = {}) {
  return reader((value) => within(numberOf(numberText(value)), bounds));
}

/** A double in a query. */
export function queryNumber() {
  return reader((value) => numberOf(string(value)));
}

/** An exact decimal. */
export function decimal({ places = 2, ...bounds }: Bounds & { places?: number } = {}) {
  return reader((value) => {
    const found = decimalOf(numberText(value));
    if (found.decimalPlaces() > places) {
      refuse(`must have at most ${places} decimal places`);
    }
    within(found, bounds);
    return found;
  });
}

/** An exact decimal in a query. */
export function queryDecimal() {
  return reader((value) => decimalOf(string(value)));
}

function numberText(value: unknown): string {
  if (!(value instanceof LosslessNumber) || value.value.length > LONGEST_NUMBER) {
    return refuse("must be a number");
  }
  return value.value;
}

function integerIn(value: unknown): number {
  return value instanceof LosslessNumber ? integerOf(value.value) : refuse("must be an integer");
}

function integerOf(text: string): number {
  if (!INTEGER.test(text) || Math.abs(Number(text)) > MAX_INTEGER) {
    refuse("must be an integer");
  }
  return Number(text) + 0;
}

function numberOf(text: string): number {
  const found = NUMBER.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(found) ? found : refuse("must be a number");
}

function decimalOf(text: string): Decimal {
  if (!NUMBER.test(text)) {
    refuse("must be a number");
  }
  const found = new Decimal(text);
  return found.abs().lt(MAX_DECIMAL) ? found : refuse("must be between -10^12 and 10^12");
}

function within<T extends number | Decimal>(value: T, { min, max, above, below, step }: Bounds): T {
  const exact = new Decimal(value);
  if ((min !== undefined && exact.lt(min)) || (above !== undefined && exact.lte(above))) {
    refuse(above === undefined ? `must be at least ${min}` : `must be above ${above}`);
  }
  if ((max !== undefined && exact.gt(max)) || (below !== undefined && exact.gte(below))) {
    refuse(below === undefined ? `must be at most ${max}` : `must be below ${below}`);
  }
  if (step !== undefined && !exact.mod(step).isZero()) {
    refuse(`must be a multiple of ${step}`);
  }
  return value;
}

/** True or false. */
export function flag() {
  return reader((value) => (typeof value === "boolean" ? value : refuse("must be true or false")));
}

/** True or false in a query. */
export function queryFlag() {
  return reader((value) => (value === "true" || value === "false" ? value === "true" : refuse("must be true or false")));
}

/** A day. */
export function day() {
  return reader((value): PlainDate => {
    const found = typeof value === "string" && DAY.test(value) && isDay(value) ? value : null;
    return found ?? refuse("must be a date such as 2026-01-31");
  });
}

function isDay(text: string): boolean {
  const moment = new Date(`${text}T00:00:00Z`);
  return text >= "0001" && !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text);
}

/** A time of day. */
export function timeOfDay() {
  return reader((value) => {
    const found = string(value);
    return TIME.test(found) ? found : refuse("must be a time such as 09:30");
  });
}

/** A moment, in UTC from here on. */
export function moment() {
  return reader((value): Instant => {
    const parts = typeof value === "string" ? MOMENT.exec(value) : null;
    const [, date = "", hours, minutes, seconds = "00", fraction = "", offset = "Z"] = parts ?? [];
    if (parts === null || !isDay(date)) {
      return refuse("must be a date and time such as 2026-01-31T09:30:00Z");
    }
    const found = new Date(`${date}T${hours}:${minutes}:${seconds}${fraction.slice(0, 4)}${offset}`);
    const year = Number.isNaN(found.getTime()) ? 0 : found.getUTCFullYear();
    return year >= 1 && year <= 9999 ? found.toISOString() : refuse("is out of range");
  });
}

/** The id of a row. */
export function rowKey() {
  return integer();
}

/** Ids of rows, each once. */
export function rowKeys({ min = 0, max = Number.POSITIVE_INFINITY }: Counts = {}) {
  return reader((value) => {
    const found = [...new Set(each(value, integerIn))];
    return counted(found.sort((left, right) => left - right), min, max);
  });
}

/** A list of texts. */
export function texts({ min = 0, max = Number.POSITIVE_INFINITY }: Counts = {}) {
  return reader((value) => {
    const found = each(value, (item) => {
      const words = string(item);
      if (words === "" || [...words].length > LONGEST_ITEM) {
        refuse(words === "" ? "must not be empty" : `must have at most ${LONGEST_ITEM} characters`);
      }
      return words;
    });
    return counted(found, min, max);
  });
}

function each<T>(value: unknown, read: (item: unknown) => T): T[] {
  if (!Array.isArray(value)) {
    return refuse("must be a list");
  }
  return value.map((item: unknown) => {
    try {
      return item === null ? refuse("must not be null") : read(item);
    } catch (error) {
      throw error instanceof Refusal ? new Refusal(`each item ${error.message}`) : error;
    }
  });
}

function counted<T>(items: T[], min: number, max: number): T[] {
  if (items.length < min || items.length > max) {
    refuse(items.length < min ? `must have at least ${min} items` : `must have at most ${max} items`);
  }
  return items;
}

/** The id in a path; 404 where it can be none. */
export function pathKey(key: string): number {
  if (!KEY.test(key) || Number(key) > MAX_INTEGER) {
    throw notFound();
  }
  return Number(key);
}
