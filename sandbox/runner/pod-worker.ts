// One pod on this node from first sight to last trace, as straight-line code: network, init containers, containers, and
// at the end CNI DEL, the last status and the deletion of the object. The directory `<state>/pods/<uid>` holds
// everything that a new runner needs to continue where a killed one stopped.

import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Semaphore } from "../../src/kube/semaphore.ts";
import { timeText } from "../client/kinds.ts";
import type { Container, Pod, PodStatus } from "../client/objects.ts";
import { ContainerRun } from "./container.ts";
import type { PodPlace } from "./env.ts";
import { writeEtc } from "./etc.ts";
import { imageIgnored } from "./image-ignored.ts";
import { PodReports, type ReportsApi } from "./pod-reports.ts";
import { podStatus } from "./pod-status.ts";
import { PodSandbox, type SandboxOptions } from "./sandbox.ts";

/** What all pods of a node have in common. */
export interface NodeContext {
  readonly nodeName: string;
  readonly nodeIps: readonly string[];
  readonly clusterDns: readonly string[];
  readonly podsDirectory: string;
  readonly sandbox: SandboxOptions;
  /** Limits how many pods get their network at once. */
  readonly starts: Semaphore;
  readonly api: ReportsApi;
  readonly log: (message: string) => void;
}

const retryMs = { first: 500, most: 15_000 } as const;
const slowStartMs = 1_000;

export class PodWorker {
  readonly #node: NodeContext;
  readonly #reports: PodReports;
  readonly #directory: string;
  readonly #stop = new AbortController();
  readonly #deletion = Promise.withResolvers<void>();
  readonly #init: readonly ContainerRun[];
  readonly #containers: readonly ContainerRun[];
  /** What `kubectl debug` has added, in that order. They delay nothing and end with the others. */
  readonly #ephemeral: ContainerRun[] = [];
  readonly #startTime: string;
  #pod: Pod;
  #gone = false;
  #sandbox: PodSandbox | undefined;
  #initialized = false;
  #ended = false;

  constructor(pod: Pod, node: NodeContext, now: Date) {
    this.#pod = pod;
    this.#node = node;
    this.#startTime = timeText(now);
    this.#directory = podDirectory(node.podsDirectory, pod);
    this.#reports = new PodReports(node.api, {
      pod: () => this.#pod,
      status: (earlier) => this.#status(earlier),
      log: (message) => this.#log(message),
    });
    const { initContainers = [], containers, restartPolicy = "Always" } = pod.spec;
    const initRestart = restartPolicy === "Never" ? "Never" : "OnFailure";
    this.#init = initContainers.map((spec) => this.#containerRun(spec, initRestart));
    this.#containers = containers.map((spec) => this.#containerRun(spec, restartPolicy));
  }

  get pod(): Pod {
    return this.#pod;
  }

  /** The pod's network, while it has its own. */
  get sandbox(): PodSandbox | undefined {
    return this.#sandbox;
  }

  container(name: string): ContainerRun | undefined {
    return this.#all.find(({ spec }) => spec.name === name);
  }

  /** There is a newer version of the object, possibly marked for deletion. */
  update(pod: Pod): void {
    this.#pod = pod;
    const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (deletionTimestamp !== undefined) this.#end(deletionGracePeriodSeconds ?? graceOf(pod));
    else if (pod.spec.readinessGates !== undefined) this.#reports.publish();
    if (this.#initialized && !this.#ended) this.#startEphemeral();
  }

  /** The object is gone from the API: nobody reads its status, and little grace is left. */
  vanish(): void {
    this.#gone = true;
    this.#reports.stop();
    this.#end(Math.min(graceOf(this.#pod), 1));
  }

  /** Resolves when the pod has left the node and the API. */
  async run(): Promise<void> {
    const isNew = (await mkdir(this.#directory, { recursive: true })) !== undefined;
    const phase = this.#pod.status?.phase;
    if (phase === "Succeeded" || phase === "Failed") {
      for (const container of this.#containers) await container.recover(); // their logs can still be read
      await this.#takeNetworkDown();
    } else {
      if (isNew) this.#reports.event("Normal", "ImageIgnored", imageIgnored(this.#pod));
      if (await this.#hasNetwork()) await this.#runContainers();
      this.#ended = true;
      await this.#takeNetworkDown();
      this.#reports.publish();
      await this.#reports.flushed();
    }
    await this.#deletion.promise;
    await rm(this.#directory, { recursive: true, force: true });
    if (!this.#gone) await this.#reports.remove(); // the object goes last: after it nothing is left here
  }

  /** Adopts or creates the pod's network. False when the pod ended before it had one. */
  async #hasNetwork(): Promise<boolean> {
    if (this.#pod.spec.hostNetwork === true) return true;
    this.#sandbox = await PodSandbox.load(this.#directory, this.#node.sandbox);
    if (await this.#sandbox?.usable()) return true;
    // In a burst of pods, a status that is outdated within a second is not worth a write to the API and to every
    // watcher.
    const slow = setTimeout(() => this.#reports.publish(), slowStartMs);
    try {
      return await this.#tryForNetwork();
    } finally {
      clearTimeout(slow);
    }
  }

  async #tryForNetwork(): Promise<boolean> {
    let delayMs: number = retryMs.first;
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#node.starts.run(() => this.#makeNetwork());
      } catch (error) {
        const message = `Failed to create pod sandbox: rpc error: code = Unknown desc = ${messageOf(error)}`;
        this.#log(message);
        this.#reports.event("Warning", "FailedCreatePodSandBox", message);
      }
      await this.#pause(delayMs);
      delayMs = Math.min(delayMs * 2, retryMs.most);
    }
    return false;
  }

  async #makeNetwork(): Promise<boolean> {
    if (this.#stop.signal.aborted) return false;
    await this.#destroySandbox();
    this.#sandbox = await PodSandbox.create(this.#pod, this.#directory, this.#node.sandbox);
    return true;
  }

  async #runContainers(): Promise<void> {
    await writeEtc(this.#etc, this.#pod, this.#place(), this.#node.clusterDns);
    for (const container of this.#init) {
      await container.run();
      if (container.status.state.terminated?.exitCode !== 0) return;
    }
    this.#initialized = true;
    this.#startEphemeral();
    await Promise.all(this.#containers.map((container) => container.run()));
    await Promise.all(this.#ephemeral.map((container) => container.terminate(0)));
  }

  /** Starts the new ones. */
  #startEphemeral(): void {
    const { ephemeralContainers = [] } = this.#pod.spec;
    for (const spec of ephemeralContainers.slice(this.#ephemeral.length)) {
      const container = this.#containerRun(spec, "Never");
      this.#ephemeral.push(container);
      container.run().catch((error: unknown) => this.#log(messageOf(error)));
    }
  }

  /** Tries DEL until it succeeds: an address that is never released would be worse than a pod that stays. */
  async #takeNetworkDown(): Promise<void> {
    for (let delayMs: number = retryMs.first; ; delayMs = Math.min(delayMs * 2, retryMs.most)) {
      try {
        await this.#destroySandbox();
        return;
      } catch (error) {
        this.#log(`its network is not removed yet: ${messageOf(error)}`);
        this.#reports.event("Warning", "FailedKillPod", messageOf(error));
      }
      await sleep(delayMs, undefined, { ref: false });
    }
  }

  async #destroySandbox(): Promise<void> {
    const sandbox = this.#sandbox ?? (await PodSandbox.load(this.#directory, this.#node.sandbox));
    await sandbox?.destroy();
    this.#sandbox = undefined;
  }

  #end(graceSeconds: number): void {
    this.#deletion.resolve();
    if (this.#stop.signal.aborted && !this.#gone) return;
    this.#stop.abort();
    for (const container of this.#all) {
      container.terminate(graceSeconds * 1000).catch((error: unknown) => this.#log(messageOf(error)));
    }
  }

  get #all(): readonly ContainerRun[] {
    return [...this.#init, ...this.#containers, ...this.#ephemeral];
  }

  #containerRun(spec: Container, restart: "Always" | "OnFailure" | "Never"): ContainerRun {
    return new ContainerRun(spec, {
      pod: () => this.#pod,
      place: () => this.#place(),
      netnsPath: () => this.#sandbox?.netnsPath,
      directory: join(this.#directory, "containers", spec.name),
      etc: this.#etc,
      restart,
      stop: this.#stop.signal,
      changed: () => this.#reports.publish(),
      event: (type, reason, message) => this.#reports.event(type, reason, message),
    });
  }

  get #etc(): string {
    return join(this.#directory, "etc");
  }

  #place(): PodPlace {
    return { nodeName: this.#node.nodeName, hostIps: this.#node.nodeIps, podIps: this.#podIps() };
  }

  #podIps(): readonly string[] {
    return this.#pod.spec.hostNetwork === true ? this.#node.nodeIps : (this.#sandbox?.addresses ?? []);
  }

  #status(earlier: PodStatus | undefined): PodStatus {
    const view = {
      pod: this.#pod,
      hostIps: this.#node.nodeIps,
      podIps: this.#podIps(),
      startTime: this.#startTime,
      initialized: this.#initialized,
      ended: this.#ended,
      initContainers: this.#init.map(({ status }) => status),
      containers: this.#containers.map(({ status }) => status),
      ephemeralContainers: this.#ephemeral.map(({ status }) => status),
    };
    return podStatus(view, earlier, timeText(new Date()));
  }

  async #pause(milliseconds: number): Promise<void> {
    const { signal } = this.#stop;
    await sleep(milliseconds, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }

  #log(message: string): void {
    this.#node.log(`pod ${this.#pod.metadata.namespace}/${this.#pod.metadata.name}: ${message}`);
  }
}

function podDirectory(podsDirectory: string, pod: Pod): string {
  return join(podsDirectory, pod.metadata.uid ?? "");
}

function graceOf(pod: Pod): number {
  return pod.spec.terminationGracePeriodSeconds ?? 30;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
