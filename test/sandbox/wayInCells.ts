// The cells of the matrix in wayIn.test.ts: for each question that a client may ask at a port of a node, who may answer and
// which client the server sees.

import type { Cluster, Question } from "./cluster.ts";

/** IPv4, IPv6. */
type Pair = readonly [string, string];

/** Who is where: `n1`, `outside` or `way/web-n1` -> its addresses. */
export interface World {
  readonly own: ReadonlyMap<string, Pair>;
  /** node -> the addresses of its management port, in whose name the node asks for others */
  readonly management: ReadonlyMap<string, Pair>;
  /** pod -> its node */
  readonly nodeOf: ReadonlyMap<string, string>;
}

export interface Exposed {
  readonly name: string;
  readonly nodePort: number;
  /** externalTrafficPolicy: Local */
  readonly isLocal: boolean;
  /** pod -> its node */
  readonly endpoints: ReadonlyMap<string, string>;
}

export interface Cell extends Question {
  readonly what: string;
  /** Empty where nobody answers. */
  readonly answers: readonly string[];
  readonly seenAs: string;
}

/** The source address of a client that is its own endpoint. */
const hairpin: Pair = ["169.254.0.5", "fd69::5"];

export function cellsOf(world: World, client: string, exposed: readonly Exposed[]): readonly Cell[] {
  const nodes = [...world.management.keys()];
  return exposed.flatMap((service) =>
    nodes.flatMap((asked) =>
      ([0, 1] as const).flatMap((family) =>
        (["tcp", "udp"] as const).map((way): Cell => {
          const all = [...service.endpoints];
          const there = service.isLocal ? all.filter(([, node]) => node === asked) : all;
          const address = world.own.get(asked)?.[family] ?? "";
          return {
            ...{ way, address, port: service.nodePort },
            what: `${way} ${service.name} at ${asked} by IPv${family === 0 ? 4 : 6}`,
            answers: there.map(([name]) => name),
            seenAs: seenAs(world, client, service, asked)?.[family] ?? "",
          };
        }),
      ),
    ),
  );
}

function seenAs(world: World, client: string, service: Exposed, asked: string): Pair | undefined {
  const { own, management, nodeOf } = world;
  const isOnHost = [...service.endpoints].some(([name, node]) => name.startsWith("host") && node === asked);
  if (!service.isLocal) return isOnHost ? hairpin : management.get(asked);
  const at = nodeOf.get(client);
  if (client === asked) return management.get(asked);
  if (at === asked) return service.endpoints.has(client.split("/")[1] ?? "") ? hairpin : own.get(client);
  // A pod leaves its node under the node's address.
  return own.get(at ?? client);
}

/** What was found in a cell, or what should be, in the same words. */
export function told({ what, answers, seenAs: seen }: Cell, words?: string): string {
  const expected = answers.length === 0 ? "silence" : `${answers.join(" or ")} sees ${seen}`;
  if (words === undefined) return `${what}: ${expected}`;
  const [by = "", , source = ""] = words.split(" ");
  return `${what}: ${answers.includes(by) ? answers.join(" or ") : by} sees ${source}`;
}

export async function worldOf(cluster: Cluster, pods: ReadonlyMap<string, string>): Promise<World> {
  const pair = ([v4 = "", v6 = ""]: readonly string[]): Pair => [v4, v6];
  const nodes = ["n1", "n2", "n3"];
  const subnets = "{.metadata.annotations.k8s\\.ovn\\.org/node-subnets}";
  const management = nodes.map(async (node) => {
    const networks = (await cluster.field("node", "", node, subnets)).match(/[0-9a-f.:]+(?=\/)/g) ?? [];
    const ports = networks.map((network) => network.replace(/(::|\.0)$/, (end) => end.replace(/0?$/, "2")));
    return [node, pair(ports)] as const;
  });
  const podAddresses = [...pods.keys()].map(async (name) => {
    const [namespace = "", pod = ""] = name.split("/");
    return [name, pair(await cluster.addressesOf(namespace, pod))] as const;
  });
  const hosts = ["outside", ...nodes].map((name) => [name, pair(cluster.hostAddresses(name))] as const);
  return {
    own: new Map([...hosts, ...(await Promise.all(podAddresses))]),
    management: new Map(await Promise.all(management)),
    nodeOf: pods,
  };
}
