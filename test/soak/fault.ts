// The faults of a campaign as data: what can go wrong, with whom, and which two must not happen at the same time. Pure;
// faults.ts and its neighbours make them happen.

import type { Layout } from "../../sandbox/layout.ts";
import { processesOf } from "../../sandbox/plan.ts";
import { type Saying, sayings } from "./lyingProxy.ts";

export type Fault =
  /** `kill`: -9, and started again at the end. `restart`: SIGTERM, the same. `pause`: SIGSTOP until the end. */
  | { readonly sort: "kill" | "restart" | "pause"; readonly process: string }
  /** All processes of a host, or of a program everywhere, are killed at the same moment. */
  | { readonly sort: "outage"; readonly of: string; readonly processes: readonly string[] }
  /** The host is off the wire, but its own end of the cable looks well. */
  | { readonly sort: "partition"; readonly host: string }
  /** Two hosts do not hear each other; everybody else hears both. */
  | { readonly sort: "split"; readonly host: string; readonly other: string }
  /** The far end of the cable is down: no carrier. */
  | { readonly sort: "carrier"; readonly host: string }
  /** An administrator takes the uplink down, or br-ex, which loses its IPv6 addresses and its routes. */
  | { readonly sort: "link"; readonly host: string; readonly device: "eth0" | "br-ex" }
  /** One more address on br-ex: somebody's virtual address. */
  | { readonly sort: "address"; readonly host: string; readonly address: string }
  /** The default route is gone, or shares its packets with a second gateway. */
  | { readonly sort: "route" | "gateway"; readonly host: string; readonly family: 4 | 6 }
  | { readonly sort: "mtu"; readonly host: string; readonly bytes: number }
  /** What the API server says to one client; see LyingApi. `broken`: errors and broken connections. */
  | { readonly sort: "lie"; readonly client: string; readonly lie: Exclude<Saying, "the truth"> };

export type Sort = Fault["sort"];

/** How long a fault of each sort lasts, in ms: at least, at most. */
export const durationsMs: Readonly<Record<Sort, readonly [number, number]>> = {
  kill: [100, 12_000],
  restart: [0, 3_000],
  pause: [200, 15_000],
  outage: [100, 8_000],
  partition: [500, 15_000],
  split: [500, 10_000],
  carrier: [200, 8_000],
  link: [200, 8_000],
  address: [1_000, 12_000],
  route: [500, 10_000],
  gateway: [1_000, 10_000],
  mtu: [2_000, 10_000],
  lie: [1_000, 15_000],
};

/** What the fault is done to. Two faults with one of these in common never overlap. */
export function victimsOf(fault: Fault): readonly string[] {
  if ("process" in fault) return [`process ${fault.process}`];
  if (fault.sort === "outage") return fault.processes.map((process) => `process ${process}`);
  if (fault.sort === "lie") return [`answers to ${fault.client}`];
  if (fault.sort === "split") return [`network of ${fault.host}`, `network of ${fault.other}`];
  return [`network of ${fault.host}`];
}

/** As one line of the log. */
export function faultText(fault: Fault): string {
  if (fault.sort === "outage") return `outage of ${fault.of}`;
  const { sort, ...rest } = fault;
  return [sort, ...Object.values(rest)].join(" ");
}

/** These play Kubernetes' kubelet and resolver, the machine's administrator and the world outside. */
const spared = /^(keeper|relay|dns|.*-(runner|echo|relay))$/;

/** Every fault that a sandbox can have; `more` are processes that it has beyond its plan. */
export function possibleFaults(layout: Layout, more: readonly string[]): readonly Fault[] {
  const { fabric, cables, nodeHosts, hypervisors, central, families } = layout;
  const processes = [...processesOf(layout).map(({ name }) => name), ...more].filter(
    (name) => !spared.test(name),
  );
  const clients = processes.filter((name) => /^controller\d*$|-agent$/.test(name));
  const onWire = cables
    .filter(({ netns, host }) => netns === fabric.netns && host.name !== "outside")
    .map(({ host }) => host.name);
  const chassis = (hypervisors.length > 0 ? hypervisors : nodeHosts).map(({ name }) => name);
  const guests = nodeHosts.map(({ name }) => name);
  return [
    ...(["kill", "pause", "restart"] as const).flatMap((sort) =>
      processes.map((process): Fault => ({ sort, process })),
    ),
    ...outages(processes),
    ...onWire.map((host): Fault => ({ sort: "partition", host })),
    ...[...chassis, central.name].flatMap((host, index, all) =>
      all.slice(index + 1).map((other): Fault => ({ sort: "split", host, other })),
    ),
    ...new Set([...chassis, ...guests]).values().map((host): Fault => ({ sort: "carrier", host })),
    ...guests.flatMap((host, index) => networkFaults(host, index, families)),
    ...clients.flatMap((client) =>
      sayings.flatMap((lie): readonly Fault[] => (lie === "the truth" ? [] : [{ sort: "lie", client, lie }])),
    ),
  ];
}

/** A process's name is its host's and its program's, or its program's alone. */
function outages(processes: readonly string[]): readonly Fault[] {
  const partsOf = (process: string): readonly string[] => {
    const [, host, program] = /^(?:([^-]+)-)?(.*?)\d*$/.exec(process) ?? [];
    return [...(host === undefined ? [] : [host]), ...(program === undefined ? [] : [`every ${program}`])];
  };
  return [...new Set(processes.flatMap(partsOf))]
    .map((of) => ({ of, processes: processes.filter((process) => partsOf(process).includes(of)) }))
    .filter((group) => group.processes.length > 1)
    .map((group): Fault => ({ sort: "outage", ...group }));
}

/** In both modes the third part of a node's addresses names the network; 200 and above are nobody's. */
const networkFaults = (host: string, index: number, families: readonly (4 | 6)[]): readonly Fault[] => [
  ...(["eth0", "br-ex"] as const).map((device): Fault => ({ sort: "link", host, device })),
  ...families.flatMap((family): readonly Fault[] => [
    ...(family === 4 ? ["32", "24"] : ["128", "64"]).map(
      (length): Fault => ({
        sort: "address",
        host,
        address: `${family === 4 ? "." : "::"}${200 + index}/${length}`,
      }),
    ),
    { sort: "route", host, family },
    { sort: "gateway", host, family },
  ]),
  { sort: "mtu", host, bytes: 1400 },
];
