// Loaded into the controller before its own code: on SIGUSR2 it prints the longest time for which the event loop was held,
// in processor time of its thread, as one JSON line.

import { StallMeter } from "../threadTime.ts";

/** Until then code is loaded, and nothing waits yet. */
const loadedAfterMs = 1000;

let meter: StallMeter | undefined;
setTimeout(() => {
  meter = new StallMeter();
}, loadedAfterMs).unref();
process.on("SIGUSR2", () => console.log(JSON.stringify({ busiestMs: meter?.longestMs ?? 0 })));
