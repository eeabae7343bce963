// The cluster of a campaign: a sandbox with a second controller, in which each of Weft's processes reaches the API
// server through a proxy of its own that can lie.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Choices } from "../../sandbox/settings.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { Cluster } from "../sandbox/cluster.ts";
import { namespace } from "../sandbox/manifests.ts";

const firstPort = 6480;
export const secondController = "controller2";
export const soakNamespace = "soak";

/** How pods get onto the network. */
export const modes = {
  overlay: {},
  pooled: { addresses: "pooled" },
  underlay: { mode: "underlay" },
} as const satisfies Readonly<Record<string, Choices>>;

export type Mode = keyof typeof modes;

export const isMode = (text: string): text is Mode => Object.hasOwn(modes, text);

export interface Ground {
  readonly cluster: Cluster;
  /** Goes past the proxies. */
  readonly client: KubeClient;
  /** The sockets of the liars, by the name of the client that each one lies to. */
  readonly liars: ReadonlyMap<string, string>;
}

/** A cluster that is ready. If it rejects, nothing is left. */
export async function prepare(mode: Mode, nodes: number): Promise<Ground> {
  const cluster = await Cluster.up({ name: "soak", nodes, ...modes[mode] });
  try {
    return await groundOf(cluster);
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

async function groundOf(cluster: Cluster): Promise<Ground> {
  const { processes, layout, nodes: hosts } = cluster.sandbox;
  const [first, second = first] = hosts.map(({ host }) => host.netns);
  const clients = [
    ...["controller", secondController],
    ...layout.nodeHosts.map(({ name }) => `${name}-agent`),
  ];
  const folder = join(layout.state, "liars");
  await mkdir(folder);
  const liars = new Map(clients.map((client) => [client, join(folder, `${client}.sock`)]));
  await Promise.all(
    clients.map(async (client, index) => {
      const isSecond = client === secondController;
      const record = processes.record(isSecond ? "controller" : client);
      const netns = isSecond ? second : record.netns;
      const port = firstPort + index;
      const kubeconfig = join(folder, `${client}.kubeconfig`);
      await writeFile(kubeconfig, kubeconfigFor(`http://127.0.0.1:${port}`));
      const socket = liars.get(client) ?? "";
      await processes.launch({
        name: `${client}-liar`,
        ...(netns !== undefined && { netns }),
        argv: [
          ...[process.execPath, join(import.meta.dirname, "liar.ts"), String(port), socket],
          ...[layout.apiSocket, layout.kubeconfig],
        ],
        env: record.env,
        ready: [socket],
      });
      if (!isSecond) await processes.stop(client);
      const argv = record.argv.map((word, at) =>
        record.argv[at - 1] === "--kubeconfig" ? kubeconfig : word,
      );
      await processes.launch({ ...record, name: client, ...(netns !== undefined && { netns }), argv });
    }),
  );
  await cluster.apply(namespace(soakNamespace));
  const client = await KubeClient.reading(() => loadKubeconfig(layout.kubeconfig), { timeoutMs: 5_000 });
  return { cluster, client, liars };
}

/** Without a user: the proxy says who asks. */
const kubeconfigFor = (server: string): string =>
  JSON.stringify({
    clusters: [{ name: "liar", cluster: { server } }],
    contexts: [{ name: "liar", context: { cluster: "liar" } }],
    "current-context": "liar",
  });
