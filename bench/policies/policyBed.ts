// A sandbox with two pods that talk to each other, and what closes the way between them: Weft by a policy, or somebody by
// hand.

import { setTimeout as delay } from "node:timers/promises";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { policySummaryIn } from "../../src/controller/policySummary.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { record, text } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { leases, pathOf } from "../../src/kube/resource.ts";
import { annotations, namesOf } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import type { Session } from "../../src/ovsdb/index.ts";
import { namespace as namespaceObject, pod as podObject } from "../../test/sandbox/manifests.ts";
import { northboundOf } from "../wiring/databases.ts";
import type { Target, Way } from "./byHand.ts";
import { Silence } from "./silence.ts";

const cluster = "weft";
const namespace = "bench";
const listener = "listener";
const patienceMs = 120_000;
const createdAtOnce = 20;

export class PolicyBed implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly client: KubeClient;
  readonly northbound: Session;
  readonly silence: Silence;
  readonly target: Target;
  readonly #ends: AsyncDisposable;

  private constructor(
    parts: Pick<PolicyBed, "sandbox" | "client" | "northbound" | "silence" | "target">,
    ends: AsyncDisposable,
  ) {
    this.sandbox = parts.sandbox;
    this.client = parts.client;
    this.northbound = parts.northbound;
    this.silence = parts.silence;
    this.target = parts.target;
    this.#ends = ends;
  }

  /** The listener is on the first node, who speaks to it on the last, and `others` pods on the first. */
  static async up(
    name: string,
    nodes: number,
    others: number,
    progress: (line: string) => void,
  ): Promise<PolicyBed> {
    await using ends = new AsyncDisposableStack();
    const sandbox = ends.use(await upSandbox({ name, nodes, progress }));
    const client = ends.use(new KubeClient(await loadKubeconfig(sandbox.kubeconfig)));
    await client.create(pathOf(kinds.Namespace), { ...namespaceObject(namespace) });
    const of = (pod: string, node: string) =>
      client.create(pathOf(kinds.Pod, namespace), {
        ...podObject({ namespace, name: pod, node, labels: { app: pod } }),
      });
    await of(listener, "n1");
    await of("speaker", `n${nodes}`);
    for (let index = 0; index < others; index++) await of(`other-${index}`, "n1");
    const [address] = await Promise.all(
      [listener, "speaker", ...Array.from({ length: others }, (_, index) => `other-${index}`)].map((pod) =>
        readyAddress(client, pod),
      ),
    );
    const silence = ends.use(
      await Silence.between(sandbox, namespace, { from: "speaker", to: listener, address: address ?? "" }),
    );
    const northbound = ends.use(await northboundOf(sandbox));
    const names = namesOf(cluster);
    const portName = names.podPort(namespace, listener);
    const target = {
      portName,
      nodeSwitch: rowUuid(cluster, "Logical_Switch", names.nodeSwitch("n1")),
      address: address ?? "",
    };
    return new PolicyBed({ sandbox, client, northbound, silence, target }, ends.move());
  }

  /** A policy that closes the listener. */
  byPolicy(): Way {
    const spec = { podSelector: { matchLabels: { app: listener } }, ingress: [] };
    return {
      close: () => this.create("closed", spec),
      open: () => this.client.delete(pathOf(kinds.NetworkPolicy, namespace, "closed")),
    };
  }

  /** A label by which a policy that is in force selects the listener for the first time. */
  async byLabel(): Promise<Way> {
    await this.create("guards", { podSelector: { matchLabels: { guarded: "yes" } }, ingress: [] });
    const label = (guarded: "yes" | null): Promise<unknown> =>
      this.client.patch(pathOf(kinds.Pod, namespace, listener), { metadata: { labels: { guarded } } });
    return { close: () => label("yes"), open: () => label(null) };
  }

  /** `count` policies, numbered from `first`. Resolves when the controller says that all there are is in force. */
  async addPolicies(first: number, count: number, specOf: (index: number) => object): Promise<void> {
    for (let index = first; index < first + count; index += createdAtOnce)
      await Promise.all(
        Array.from({ length: Math.min(createdAtOnce, first + count - index) }, (_, next) =>
          this.create(`policy-${index + next}`, specOf(index + next)),
        ),
      );
    const all = await this.client.list(pathOf(kinds.NetworkPolicy, namespace), {});
    const deadline = Date.now() + patienceMs;
    while ((await this.#inForce()) !== all.items.length) {
      if (Date.now() > deadline) throw new Error("never: all policies are in force");
      await delay(500);
    }
  }

  async create(name: string, spec: object): Promise<void> {
    await this.client.create(pathOf(kinds.NetworkPolicy, namespace), {
      apiVersion: "networking.k8s.io/v1",
      kind: "NetworkPolicy",
      metadata: { namespace, name },
      spec,
    });
  }

  async #inForce(): Promise<number | undefined> {
    const lease = record(await this.client.get(pathOf(leases, "kube-system", `weft-${cluster}`)));
    const said = record(record(lease.metadata).annotations)[annotations.policies];
    return policySummaryIn(text(said))?.inForce;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends[Symbol.asyncDispose]();
  }
}

async function readyAddress(client: KubeClient, name: string): Promise<string> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { podIP, phase } = record(record(await client.get(pathOf(kinds.Pod, namespace, name))).status);
    if (phase === "Running" && typeof podIP === "string") return podIP;
    if (Date.now() > deadline) throw new Error(`never: pod ${name} runs`);
    await delay(200);
  }
}
