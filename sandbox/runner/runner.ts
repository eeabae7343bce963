// The node's part of the sandbox, a small kubelet: registers the node, gives each pod bound to it a worker, and serves
// logs and exec. Stopping it stops nothing else: pods outlive a runner, and the next runner adopts them from disk.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubeClient } from "../../src/kube/client.ts";
import { Semaphore } from "../../src/kube/semaphore.ts";
import type { Change } from "../../src/kube/store.ts";
import { watchResource } from "../../src/kube/watch.ts";
import { type Kept, rawKinds } from "../client/kinds.ts";
import type { Pod } from "../client/objects.ts";
import { Cni } from "./cni.ts";
import { knowsStatusAndGc, readNetworkConfig } from "./cni-config.ts";
import type { ContainerRun } from "./container.ts";
import { assertSharedMounts } from "./netns.ts";
import { NodeHeartbeat } from "./node.ts";
import { namesIn, recordedAttachments, removeOrphan } from "./orphans.ts";
import type { ReportsApi } from "./pod-reports.ts";
import { type NodeContext, PodWorker } from "./pod-worker.ts";
import { serveKubelet } from "./server.ts";

const startsAtOnce = 10;
const orphanRetryMs = 2_000;

export interface RunnerOptions {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly stateDirectory: string;
  readonly cniConfigDirectory: string;
  readonly cniBinaryDirectory: string;
  /** Addresses of the cluster's DNS. */
  readonly clusterDns: readonly string[];
  readonly netnsPrefix: string;
  readonly socket: string;
  readonly log: (message: string) => void;
}

export class Runner {
  readonly #client: KubeClient;
  readonly #options: RunnerOptions;
  readonly #node: NodeContext;
  readonly #cni: Cni;
  /** By the pod's uid. */
  readonly #workers = new Map<string, PodWorker>();

  constructor(client: KubeClient, api: ReportsApi, options: RunnerOptions) {
    this.#client = client;
    this.#options = options;
    this.#cni = new Cni(options.cniBinaryDirectory);
    this.#node = {
      nodeName: options.nodeName,
      nodeIps: options.nodeIps,
      clusterDns: options.clusterDns,
      podsDirectory: join(options.stateDirectory, "pods"),
      sandbox: {
        cni: this.#cni,
        configDirectory: options.cniConfigDirectory,
        netnsPrefix: options.netnsPrefix,
      },
      starts: new Semaphore(startsAtOnce),
      api,
      log: options.log,
    };
  }

  /** Runs until the signal aborts. Pods continue without it. */
  async run(signal: AbortSignal): Promise<void> {
    const { nodeName, nodeIps, nodeLabels, cniConfigDirectory, socket, log } = this.#options;
    await assertSharedMounts();
    await mkdir(this.#node.podsDirectory, { recursive: true });
    const server = await serveKubelet(socket, (namespace, pod, container) =>
      this.#find(namespace, pod, container),
    );
    signal.addEventListener("abort", () => server.close());
    await this.#collectGarbage();
    const heartbeat = new NodeHeartbeat(this.#client, {
      identity: { name: nodeName, addresses: nodeIps, labels: nodeLabels },
      cniConfigDirectory,
      cni: this.#cni,
      log,
    });
    await heartbeat.register(signal);
    await Promise.all([heartbeat.beat(signal), this.#watchPods(signal)]);
  }

  async #watchPods(signal: AbortSignal): Promise<void> {
    const pods = watchResource(this.#client, rawKinds.pod, {
      signal,
      fieldSelector: `spec.nodeName=${this.#options.nodeName}`,
      log: (level, message) => this.#options.log(`${level}: ${message}`),
    });
    pods.subscribe((changes) => changes.forEach((change) => this.#take(change)));
    try {
      await pods.ready(signal);
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    const uids = await namesIn(this.#node.podsDirectory);
    const orphans = uids.filter((uid) => !this.#workers.has(uid));
    await Promise.all(orphans.map((uid) => this.#removeOrphan(uid, signal)));
  }

  #take(change: Change<Kept<Pod>>): void {
    if (change.old && change.old.uid !== change.new?.uid) this.#workers.get(change.old.uid)?.vanish();
    if (!change.new) return;
    const { uid, raw } = change.new;
    const known = this.#workers.get(uid);
    const worker = known ?? new PodWorker(raw, this.#node, new Date());
    worker.update(raw);
    if (known) return;
    this.#workers.set(uid, worker);
    worker
      .run()
      .catch((error: unknown) =>
        this.#options.log(`pod ${change.new?.namespace}/${change.new?.name}: ${String(error)}`),
      )
      .finally(() => this.#workers.delete(uid));
  }

  async #removeOrphan(uid: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#workers.has(uid)) {
      try {
        await removeOrphan(join(this.#node.podsDirectory, uid), this.#node.sandbox);
        return;
      } catch (error) {
        this.#options.log(`orphan ${uid}: not removed yet: ${String(error)}`);
        await sleep(orphanRetryMs, undefined, { ref: false });
      }
    }
  }

  /** Runs before the first ADD, so that no attachment is made while the list of valid ones is being sent. */
  async #collectGarbage(): Promise<void> {
    try {
      const network = await readNetworkConfig(this.#options.cniConfigDirectory);
      if (!network || !knowsStatusAndGc(network)) return;
      const valid = await recordedAttachments(this.#node.podsDirectory, this.#node.sandbox);
      await this.#cni.collect(network, valid);
    } catch (error) {
      this.#options.log(`CNI GC: ${String(error)}`); // what is left is removed by DEL, pod by pod
    }
  }

  /** The newest pod of that name: one that was deleted by force may still be ending. */
  #find(namespace: string, pod: string, container: string): ContainerRun | undefined {
    return [...this.#workers.values()]
      .findLast(({ pod: { metadata } }) => metadata.namespace === namespace && metadata.name === pod)
      ?.container(container);
  }
}
