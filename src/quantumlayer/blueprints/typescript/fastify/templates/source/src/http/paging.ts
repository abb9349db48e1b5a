/** Pages of lists: `limit`, `offset`, and the answer with `items` and `total`. */

import { z } from "zod";
import * as wire from "./wire.js";

export const MAX_LIMIT = 100;
export const DEFAULT_LIMIT = 50;

/** Query parameters of every list. */
export const PageQuery = z.object({
  limit: wire.queryInteger({ min: 1, max: MAX_LIMIT }).default(DEFAULT_LIMIT),
  offset: wire.queryInteger({ min: 0 }).default(0),
});

/** Some items of a list; `total` counts all that match. */
export interface Page<Item> {
  items: Item[];
  total: number;
}
