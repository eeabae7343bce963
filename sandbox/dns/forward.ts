// Names outside of the cluster's zone, as CoreDNS forwards them with `policy sequential`: the first server that answers is
// asked. It keeps no answers, so a test decides by itself how old they are.

import { serverOf } from "../../src/resolver/servers.ts";
import { Upstreams } from "../../src/resolver/upstreams.ts";
import type { Answer } from "./server.ts";

/** `own` says what the cluster itself answers; what it refuses is forwarded. */
export function forwarding(own: Answer, servers: readonly string[], signal: AbortSignal): Answer {
  const all = servers.flatMap((text) => {
    const server = serverOf(text);
    return server ? [new Upstreams([server])] : [];
  });
  return async (query, limited) => {
    const answer = await own(query, limited);
    const isRefused = answer !== undefined && (answer.readUInt8(3) & 0x0f) === 5;
    if (!isRefused) return answer;
    for (const one of all) {
      const said = await one.ask(query, limited ? "udp" : "tcp", signal);
      if (said) return said;
    }
    return answer;
  };
}
