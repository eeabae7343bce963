// Pods that come and go without a pause, with Services and policies about them. While the API server is away, or another node
// is, what cannot be done is left out, as an operator's next try would be.

import { setTimeout as delay } from "node:timers/promises";
import type { Cluster } from "../cluster/cluster.ts";
import { agnhostImage } from "../images/images.ts";

export const namespace = "churn";
export const port = 8080;
const restMs = 1_000;
const labels = { app: "churn" };
const replicas = 12;
const sizes = [replicas, 8, 18, 10, 15];

/** The pods that are there when it rests. */
export async function startPods(cluster: Cluster): Promise<void> {
  const container = {
    name: "main",
    image: agnhostImage,
    args: ["netexec", `--http-port=${port}`],
    readinessProbe: { httpGet: { path: "/hostname", port }, periodSeconds: 2 },
  };
  const spread = {
    ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname", whenUnsatisfiable: "ScheduleAnyway" },
    labelSelector: { matchLabels: labels },
  };
  await cluster.apply(
    JSON.stringify({
      apiVersion: "v1",
      kind: "List",
      items: [
        { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
        {
          ...{ apiVersion: "apps/v1", kind: "Deployment", metadata: { namespace, name: "churn" } },
          spec: {
            replicas,
            selector: { matchLabels: labels },
            template: {
              metadata: { labels },
              spec: {
                terminationGracePeriodSeconds: 1,
                topologySpreadConstraints: [spread],
                containers: [container],
              },
            },
          },
        },
        service("churn"),
      ],
    }),
  );
}

const service = (name: string): object => ({
  ...{ apiVersion: "v1", kind: "Service", metadata: { namespace, name } },
  spec: { ipFamilyPolicy: "PreferDualStack", selector: labels, ports: [{ port }] },
});

/** It lets in what is to get in anyway. */
const policy = {
  ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata: { namespace, name: "churn" } },
  spec: { podSelector: { matchLabels: labels }, ingress: [{ ports: [{ port }] }] },
};

/** Runs until it is disposed of, which leaves as many pods as in the beginning, and no more Services or policies. */
export class Churn implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #stopping = new AbortController();
  readonly #running: Promise<void>;
  #turns = 0;

  private constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#running = this.#run();
  }

  static start(cluster: Cluster): Churn {
    return new Churn(cluster);
  }

  /** Resolves when so many turns more have been done. */
  async turns(count: number): Promise<void> {
    for (const wanted = this.#turns + count; this.#turns < wanted; ) await delay(100);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      await this.#turn(this.#turns);
      this.#turns++;
      await delay(restMs);
    }
    await this.#try(["delete", "service", "extra", "--ignore-not-found"]);
    await this.#try(["delete", "networkpolicy", "churn", "--ignore-not-found"]);
    await this.#try(["scale", "deployment/churn", `--replicas=${replicas}`]);
  }

  async #turn(turn: number): Promise<void> {
    const names = (await this.#try(["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"])).split(" ");
    const victims = [names[turn % names.length], names[(turn * 7) % names.length]].filter(Boolean);
    if (victims.length > 0)
      await this.#try([
        "delete",
        "pod",
        "--wait=false",
        "--ignore-not-found",
        ...new Set(victims.map(String)),
      ]);
    if (turn % 5 === 0)
      await this.#try(["scale", "deployment/churn", `--replicas=${sizes[(turn / 5) % sizes.length]}`]);
    if (turn % 6 === 1) await this.#cluster.apply(JSON.stringify(service("extra"))).catch(() => undefined);
    if (turn % 6 === 4) await this.#try(["delete", "service", "extra", "--ignore-not-found"]);
    if (turn % 8 === 2) await this.#cluster.apply(JSON.stringify(policy)).catch(() => undefined);
    if (turn % 8 === 6) await this.#try(["delete", "networkpolicy", "churn", "--ignore-not-found"]);
  }

  async #try(args: readonly string[]): Promise<string> {
    const { status, stdout } = await this.#cluster.tryKubectl([
      ...["--request-timeout=5s", "-n", namespace],
      ...args,
    ]);
    return status === 0 ? stdout : "";
  }
}
