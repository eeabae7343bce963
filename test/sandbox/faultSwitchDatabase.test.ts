// Open vSwitch's database is killed with -9 on both nodes and started again: a running stream does not lose a packet. Without
// its database vswitchd does not run the userspace datapath (bridge_run returns early): packets queue until it is back.

import { killUnderStream } from "./killUnderStream.ts";

killUnderStream("testswitchdb", [
  { what: "vswitch-databases", processes: ["n1-ovsdb", "n2-ovsdb"], spare: false },
]);
