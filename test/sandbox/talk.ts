// A UDP client that keeps its source port, as resolvers do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Cluster, eventually } from "./cluster.ts";

/**
 * One socket that asks again and again from one port, each time `pauseMs` after an answer or 200 ms without one.
 * `heard` waits until that pod answers.
 */
export function talkUdp(
  cluster: Cluster,
  source: string,
  address: string,
  port: number,
  fromPort: number,
  pauseMs = 100,
) {
  const program = `use IO::Socket::IP; $| = 1;
    my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => "${address}", PeerPort => ${port}, LocalPort => ${fromPort}) or die $@;
    while (1) { syswrite $s, "hostname\\n"; my $r = ""; vec($r, fileno $s, 1) = 1;
      if (select($r, undef, undef, 0.2)) { print $a if sysread $s, $a, 99 } else { next } select undef, undef, undef, ${pauseMs / 1000} }`;
  const [namespace = "", name = ""] = source.split("/");
  const env = { ...process.env, KUBECONFIG: cluster.sandbox.kubeconfig };
  const [file = "", ...args] = source.includes("/")
    ? ["kubectl", "exec", "-n", namespace, name, "--", "perl", "-e", program]
    : cluster.sandbox.host(source).command(["perl", "-e", program]);
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return {
    heard: (pod: string | RegExp) =>
      eventually(`${source} hears ${pod} from ${address}`, () => {
        const last = said.trimEnd().split("\n").at(-1) ?? "";
        return typeof pod === "string" ? last === pod : pod.test(last);
      }),
    /** Until it hears something more. */
    hearsMore: () => {
      const before = said.length;
      return eventually(`${source} hears more from ${address}`, () => said.length > before);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      if (child.kill()) await ended;
    },
  };
}
