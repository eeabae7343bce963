// Networks behind one node that its bridge does not lead to: a second uplink, a link such as a VPN makes, and behind that a
// router with a narrow link to another host. None of them knows a route to pods, so an answer proves that a packet had an
// address of the node.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import { run } from "../../sandbox/process/run.ts";
import type { SandboxHost } from "../../sandbox/sandbox.ts";
import type { Cluster } from "./cluster.ts";

/** IPv4, IPv6. */
type Pair = readonly [string, string];

export const farPort = 7000;
export const narrowBytes = 1_300;

/** Of the node on each of its two links. */
export const nodeAt = {
  second: ["192.0.2.1", "2001:db8:2::1"],
  vpn: ["192.0.3.1", "2001:db8:3::1"],
} as const satisfies Readonly<Record<string, Pair>>;
const routerAt = {
  second: ["192.0.2.2", "2001:db8:2::2"],
  vpn: ["192.0.3.2", "2001:db8:3::2"],
} as const satisfies Readonly<Record<string, Pair>>;

/** Hosts: only the second uplink leads to the first, only the VPN to the others. */
export const farHost: Pair = ["203.0.113.9", "2001:db8:113::9"];
export const vpnHost: Pair = ["198.51.100.9", "2001:db8:51::9"];
export const narrowHost: Pair = ["192.0.4.2", "2001:db8:4::2"];

/** The routing table that the second uplink's default routes are in. */
export const secondTable = "100";

export class FarEnd implements AsyncDisposable {
  readonly #netns: string;
  readonly #server: ChildProcess;

  private constructor(netns: string, server: ChildProcess) {
    this.#netns = netns;
    this.#server = server;
  }

  /** The namespaces go with the sandbox. */
  static async behind(cluster: Cluster, node: SandboxHost): Promise<FarEnd> {
    const far = `${cluster.sandbox.layout.netnsPrefix}far`;
    const narrow = `${cluster.sandbox.layout.netnsPrefix}narrow`;
    for (const netns of [far, narrow]) await node.exec(["ip", "netns", "add", netns]);
    const batch = (on: readonly string[], lines: readonly string[]): Promise<string> =>
      node.exec(["ip", ...on, "-batch", "-"], { input: lines.map((line) => `${line}\n`).join("") });
    const addresses = ([v4, v6]: Pair, device: string): readonly string[] => [
      `address add ${v4}/24 dev ${device}`,
      `address add ${v6}/64 dev ${device} nodad`,
      `link set ${device} up`,
    ];
    await batch(
      [],
      [
        `link add second type veth peer name second netns ${far}`,
        `link add vpn type veth peer name vpn netns ${far}`,
        ...addresses(nodeAt.second, "second"),
        ...addresses(nodeAt.vpn, "vpn"),
      ],
    );
    await batch(
      ["-n", far],
      [
        "link set lo up",
        ...addresses(routerAt.second, "second"),
        ...addresses(routerAt.vpn, "vpn"),
        ...[farHost, vpnHost].flatMap(([v4, v6]) => [
          `address add ${v4}/32 dev lo`,
          `address add ${v6}/128 dev lo nodad`,
        ]),
        // A UDP server that lets the kernel choose the address answers from the one that it was asked at. Of IPv6 the kernel has
        // such a route already, with this metric.
        `route replace 192.0.2.0/24 dev second src ${farHost[0]}`,
        `route replace 2001:db8:2::/64 dev second src ${farHost[1]} metric 256`,
        `route replace 192.0.3.0/24 dev vpn src ${vpnHost[0]}`,
        `route replace 2001:db8:3::/64 dev vpn src ${vpnHost[1]} metric 256`,
        `link add narrow mtu ${narrowBytes} type veth peer name narrow mtu ${narrowBytes} netns ${narrow}`,
        ...addresses(["192.0.4.1", "2001:db8:4::1"], "narrow"),
      ],
    );
    await batch(
      ["-n", narrow],
      [
        "link set lo up",
        ...addresses(narrowHost, "narrow"),
        "route add default via 192.0.4.1",
        "route add default via 2001:db8:4::1",
      ],
    );
    await run(inNetns(far, ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]));
    await batch(
      [],
      ([0, 1] as const).flatMap((family) => [
        ...[vpnHost, narrowHost].map((host) => `route add ${host[family]} via ${routerAt.vpn[family]}`),
        `route add default via ${routerAt.second[family]} table ${secondTable}`,
      ]),
    );
    const [file = "", ...args] = inNetns(far, [
      "perl",
      join(import.meta.dirname, "../../sandbox/echo/echo.pl"),
    ]);
    const server = spawn(file, args, {
      env: { ...process.env, ECHO_POD: "far", ECHO_NODE: "far", ECHO_PORTS: String(farPort) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(server.stdout, "data");
    return new FarEnd(far, server);
  }

  /** Counts what arrives from now on and meets an expression of nft, for each of these. */
  async watch(...matches: readonly string[]): Promise<void> {
    const rules = matches.map((match) => `    ${match} counter\n`).join("");
    const input = `table inet watch\ndelete table inet watch\ntable inet watch {\n  chain in {\n    type filter hook prerouting priority raw\n${rules}  }\n}\n`;
    await run(inNetns(this.#netns, ["nft", "-f", "-"]), { input });
  }

  /** In the order of `watch`. */
  async counted(): Promise<readonly number[]> {
    const listed = await run(inNetns(this.#netns, ["nft", "list", "table", "inet", "watch"]));
    return [...listed.matchAll(/counter packets (\d+)/g)].map(([, packets]) => Number(packets));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#server, "exit");
    if (this.#server.exitCode === null && this.#server.kill()) await ended;
  }
}
