// Everything that may be restarted while pods talk is killed with -9 and started again: a running stream does not lose
// a packet, and new pods can start afterwards. Packets pass even while it is away.

import { killUnderStream } from "./killUnderStream.ts";

killUnderStream("testrestart", [
  { what: "agents", processes: ["n1-agent", "n2-agent"], spare: true },
  { what: "controller", processes: ["controller"], spare: true },
  { what: "ovn-controllers", processes: ["n1-ovn-controller", "n2-ovn-controller"], spare: true },
  { what: "northd", processes: ["central-northd"], spare: true },
  { what: "northbound", processes: ["central-nb"], spare: true },
  { what: "southbound", processes: ["central-sb"], spare: true },
]);
