// Registers the node and keeps it alive: the Node object, its status every ten seconds and whenever readiness changes,
// and the Lease in kube-node-lease that tells others it is alive. As with a kubelet over containerd 2, a node is ready
// when it has a CNI configuration and its plugins answer STATUS without an error, which is asked every five seconds.

import { watch } from "node:fs";
import { mkdir } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { isAlreadyExists, isNotFound } from "../../src/kube/error.ts";
import { record } from "../../src/kube/json.ts";
import { leases, pathOf } from "../../src/kube/resource.ts";
import { rawKinds, rawOf } from "../client/kinds.ts";
import type { Condition } from "../client/objects.ts";
import type { Cni } from "./cni.ts";
import { knowsStatusAndGc, readNetworkConfig } from "./cni-config.ts";
import { labelsOf, type NodeIdentity, newNode, nodeStatus } from "./node-status.ts";

const heartbeatMs = 10_000;
const askMs = 5_000;
const leaseNamespace = "kube-node-lease";

export interface NodeOptions {
  readonly identity: NodeIdentity;
  readonly cniConfigDirectory: string;
  readonly cni: Cni;
  readonly log: (message: string) => void;
}

export class NodeHeartbeat {
  readonly #client: KubeClient;
  readonly #options: NodeOptions;
  #conditions: readonly Condition[] = [];
  /** What the last beat said; undefined before the first one, and when it failed. */
  #last: { readonly problem: string | undefined; readonly at: number } | undefined;

  constructor(client: KubeClient, options: NodeOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Creates the Node, or updates the labels of an existing one. Retries until that succeeds. */
  async register(signal: AbortSignal): Promise<void> {
    const { identity, log } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#createOrAdopt();
        return;
      } catch (error) {
        log(`node ${identity.name} not registered yet: ${messageOf(error)}`);
        await pause(1000, signal);
      }
    }
  }

  /** Beats until the signal. A failed beat is logged, and the next one comes on time. */
  async beat(signal: AbortSignal): Promise<void> {
    await mkdir(this.#options.cniConfigDirectory, { recursive: true });
    // Wakes the loop when the plugin's configuration appears or disappears.
    let wake = new AbortController();
    const watcher = watch(this.#options.cniConfigDirectory, { persistent: false }, () => wake.abort());
    try {
      while (!signal.aborted) {
        wake = new AbortController();
        const next = AbortSignal.any([signal, wake.signal]);
        await this.#beatIfDue().catch((error: unknown) => {
          this.#last = undefined;
          this.#options.log(`heartbeat failed: ${messageOf(error)}`);
        });
        await pause(askMs, next);
      }
    } finally {
      watcher.close();
    }
  }

  async #createOrAdopt(): Promise<void> {
    const { identity } = this.#options;
    const path = pathOf(rawKinds.node, "", identity.name);
    try {
      await this.#client.create(pathOf(rawKinds.node), { ...newNode(identity, new Date()) });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const node = await this.#client.patch(path, { metadata: { labels: labelsOf(identity) } });
      // Readiness keeps its transition time when the runner restarts.
      this.#conditions = rawOf(rawKinds.node, node).status?.conditions ?? [];
    }
  }

  async #beatIfDue(): Promise<void> {
    const problem = await this.#problem();
    const at = performance.now();
    // Not a whole heartbeat, since the question itself takes some milliseconds.
    const isDue = !this.#last || at - this.#last.at > heartbeatMs - askMs / 2;
    if (!isDue && this.#last?.problem === problem) return;
    await this.#beat(problem);
    this.#last = { problem, at };
  }

  async #beat(problem: string | undefined): Promise<void> {
    const { identity } = this.#options;
    const now = new Date();
    const status = nodeStatus(identity, this.#conditions, problem, now);
    const path = pathOf(rawKinds.node, "", identity.name, "status");
    // Addresses would be merged by type too, and the IPv6 address would overwrite the IPv4 one. A kubelet sends the
    // same directive.
    const addresses = [...(status.addresses ?? []), { $patch: "replace" }];
    await this.#client.patch(path, { status: { ...status, addresses } }, { type: "strategic" });
    this.#conditions = status.conditions ?? [];
    await this.#renewLease(now);
  }

  async #problem(): Promise<string | undefined> {
    const notReady =
      "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error";
    try {
      const network = await readNetworkConfig(this.#options.cniConfigDirectory);
      if (!network) return `${notReady}: cni plugin not initialized`;
      if (knowsStatusAndGc(network)) await this.#options.cni.status(network);
      return undefined;
    } catch (error) {
      return `${notReady}: ${messageOf(error)}`;
    }
  }

  async #renewLease(now: Date): Promise<void> {
    const { name } = this.#options.identity;
    const spec = {
      holderIdentity: name,
      leaseDurationSeconds: 40,
      renewTime: now.toISOString().replace("Z", "000Z"), // MicroTime
    };
    try {
      await this.#client.patch(pathOf(leases, leaseNamespace, name), { spec });
    } catch (error) {
      if (!isNotFound(error)) throw error;
      const node = record(await this.#client.get(pathOf(rawKinds.node, "", name)));
      await this.#client.create(pathOf(leases, leaseNamespace), {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          name,
          namespace: leaseNamespace,
          ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: record(node.metadata).uid }],
        },
        spec,
      });
    }
  }
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await sleep(milliseconds, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
