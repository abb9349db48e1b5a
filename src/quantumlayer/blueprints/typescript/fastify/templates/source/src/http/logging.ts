/** Structured logs: one JSON object a line on standard output. */

import { pino } from "pino";

export const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
