// `stall.ts REMOTE`: takes a first copy and prints, as one JSON line, its size and the longest time that the event loop
// was held, by the clock and in processor time of its thread. Other load on the machine does not add to the latter.

import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { StallMeter } from "../threadTime.ts";

const [remote = ""] = process.argv.slice(2);

/** How much this process has read from anywhere, in MB. */
const megabytesRead = (): number =>
  Number(/^rchar: (\d+)/m.exec(readFileSync("/proc/self/io", "utf8"))?.[1]) / 1024 ** 2;

using meter = new StallMeter();
const delay = monitorEventLoopDelay({ resolution: 1 });
const before = megabytesRead();
// The server is silent for longer than a probe usually waits, because it writes such a reply in one go.
await using session = new Session({
  remotes: [remote],
  database: "OVN_Northbound",
  probeIntervalMs: 120_000,
});
const replica = session.replica(northbound, { Logical_Switch_Port: true });
delay.enable();
session.start();
await replica.ready();
await new Promise((resolve) => setTimeout(resolve, 100));
delay.disable();
console.log(
  JSON.stringify({
    rows: replica.table("Logical_Switch_Port").size,
    megabytes: megabytesRead() - before,
    stallMs: delay.max / 1e6,
    busiestMs: meter.longestMs,
  }),
);
