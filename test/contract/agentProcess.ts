// Runs one agent with the options in its only argument, until it is told to end.

import { Registry } from "prom-client";
import { parseCidr } from "../../src/model/ip.ts";
import { runAgent } from "../../src/node/agent.ts";

const {
  clusterCidrs,
  serviceCidrs,
  joinCidrs = [],
  directCidrs = [],
  ...options
} = JSON.parse(process.argv[2] ?? "{}");
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const cidrs = (texts: readonly string[]) => texts.flatMap((text) => parseCidr(text) ?? []);
await runAgent(
  {
    ...options,
    clusterCidrs: cidrs(clusterCidrs),
    serviceCidrs: cidrs(serviceCidrs),
    joinCidrs: cidrs(joinCidrs),
    directCidrs: cidrs(directCidrs),
    registry: new Registry(),
    log: (level, message, fields) => console.log(level, message, JSON.stringify(fields)),
  },
  stop.signal,
);
