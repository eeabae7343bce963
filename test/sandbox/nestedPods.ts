// Pods as ports of the cloud's OVN, plugged in by hand: a switch for each node, a child of the node's own port for each
// pod with a VLAN, an access port of that VLAN in the node's br-ex. Equal in every tenant, including the addresses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Result } from "../../sandbox/demo/paths.ts";
import { askFrom, type Question } from "../../sandbox/demo/probe.ts";
import { plainAddress } from "../../sandbox/host.ts";
import type { Sandbox, SandboxHost } from "../../sandbox/sandbox.ts";

export interface NestedPod {
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
  readonly mac: string;
  readonly vlan: number;
}

export const echoPort = 8080;

/** Pod `number` of node `n<node>`: the fifth of n1 has 10.244.1.5 and fd00:10:244:1::5. */
export const nestedPod = (node: number, number: number): NestedPod => ({
  name: `p${node}-${number}`,
  node: `n${node}`,
  addresses: [`10.244.${node}.${number}/24`, `fd00:10:244:${node}::${number}/64`],
  mac: `0a:58:0a:f4:0${node}:0${number}`,
  vlan: 10 + number,
});

export const podSwitch = (sandbox: Sandbox, node: string): string => `${sandbox.layout.name}-pods-${node}`;

/** A switch on the tenant's router for the pods of node `n<node>`. */
export async function addPodSwitch(sandbox: Sandbox, node: number): Promise<void> {
  const router = sandbox.layout.tenant?.router ?? "";
  const name = podSwitch(sandbox, `n${node}`);
  const [routerPort, switchPort] = [`${name}-rtos`, `${name}-stor`];
  const gateways = [`10.244.${node}.1/24`, `fd00:10:244:${node}::1/64`];
  await sandbox.central.exec([
    ...["ovn-nbctl", "ls-add", name],
    ...["--", "lrp-add", router, routerPort, `0a:58:0a:f4:0${node}:01`, ...gateways],
    ...["--", "lsp-add", name, switchPort, "--", "lsp-set-type", switchPort, "router"],
    ...["--", "lsp-set-addresses", switchPort, "router"],
    ...["--", "lsp-set-options", switchPort, `router-port=${routerPort}`],
  ]);
}

/** Resolves when the pod is up in OVN and runs the echo server. In its answers the sandbox takes the node's place. */
export async function plugPod(sandbox: Sandbox, pod: NestedPod): Promise<void> {
  const { name: tenant, netnsPrefix } = sandbox.layout;
  const port = portOf(sandbox, pod);
  const identity = [pod.mac, ...pod.addresses.map(plainAddress)].join(" ");
  await sandbox.central.exec([
    ...[
      "ovn-nbctl",
      "lsp-add",
      podSwitch(sandbox, pod.node),
      port,
      `${tenant}-${pod.node}`,
      String(pod.vlan),
    ],
    ...["--", "lsp-set-addresses", port, identity, "--", "lsp-set-port-security", port, identity],
  ]);
  const node = sandbox.host(pod.node);
  const netns = `${netnsPrefix}${pod.node}-${pod.name}`;
  await node.exec(["ip", "netns", "add", netns]);
  const pair = ["link", "add", "name", pod.name, "type", "veth", "peer", "name", "eth0", "address", pod.mac];
  await node.exec(["ip", ...pair, "netns", netns]);
  await node.exec(["ip", "link", "set", pod.name, "up"]);
  const gateways = pod.addresses.map((address) => plainAddress(address).replace(/\d+$/, "1"));
  const lines = [
    "link set lo up",
    "link set eth0 up",
    ...pod.addresses.map((address) => `addr add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`),
    ...gateways.map((gateway) => `route add default via ${gateway}`),
  ];
  await node.exec(["ip", "-n", netns, "-batch", "-"], { input: `${lines.join("\n")}\n` });
  await fromPod(sandbox, pod, ["ethtool", "-K", "eth0", "tx", "off"]);
  await node.exec(["ovs-vsctl", "add-port", "br-ex", pod.name, `tag=${pod.vlan}`]);
  await serveEcho(sandbox, pod, node);
  await sandbox.central.exec([
    "ovn-nbctl",
    "--timeout=20",
    "wait-until",
    "Logical_Switch_Port",
    port,
    "up=true",
  ]);
}

/** It ends with its namespace, when the sandbox is taken down. */
async function serveEcho(sandbox: Sandbox, pod: NestedPod, node: SandboxHost): Promise<void> {
  const echo = join(import.meta.dirname, "../../sandbox/echo/echo.pl");
  const [file = "", ...args] = node.command(inside(sandbox, pod, ["perl", echo]));
  const env = {
    ...node.env,
    ECHO_POD: pod.name,
    ECHO_NODE: sandbox.layout.name,
    ECHO_PORTS: String(echoPort),
  };
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.unref();
  child.stdout.destroy();
}

export const fromPod = (sandbox: Sandbox, pod: NestedPod, argv: readonly string[]): Promise<string> =>
  sandbox.host(pod.node).exec(inside(sandbox, pod, argv));

/** Asks from a pod, or from the host of that name. */
export function ask(
  sandbox: Sandbox,
  from: NestedPod | string,
  questions: readonly Question[],
): Promise<readonly Result[]> {
  const host = sandbox.host(typeof from === "string" ? from : from.node);
  return askFrom(
    (argv, options) => host.exec(typeof from === "string" ? argv : inside(sandbox, from, argv), options),
    questions,
  );
}

const portOf = (sandbox: Sandbox, pod: NestedPod): string => `${sandbox.layout.name}-pod-${pod.name}`;

const inside = (sandbox: Sandbox, pod: NestedPod, argv: readonly string[]): readonly string[] => [
  "nsenter",
  `--net=/run/netns/${sandbox.layout.netnsPrefix}${pod.node}-${pod.name}`,
  ...argv,
];
