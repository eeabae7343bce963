// Plays the container runtime on the nodes of a sandbox whose runners are stopped: makes a pod's namespace, and calls
// Weft's plugin for it as a runtime does, or wires it bare; and removes all of it again.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import type { NodeHost } from "../../sandbox/host.ts";
import { run } from "../../sandbox/process/run.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { chassisIdOf, nodeSubnetsOf } from "../../src/kube/annotations.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { Interner } from "../../src/kube/intern.ts";
import { record, text } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { type Cidr, formatCidr, formatIp } from "../../src/model/ip.ts";
import { type Names, namesOf, onNode } from "../../src/model/names.ts";
import { podNetworkAt } from "../../src/model/network.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { attachmentKeys } from "../../src/node/ovs/vswitch.ts";
import type { Origin, Wiring } from "./bare.ts";
import { BareWirer } from "./bareWirer.ts";
import { type HandPort, makeReadyPorts, type PortPlace } from "./readyPorts.ts";

const namespace = "default";

/** A pod, as the runtime sees it. */
export interface BenchPod {
  readonly node: NodeHost;
  readonly name: string;
  readonly netns: string;
}

/** What the bare wiring needs to know about a node, looked up once. */
interface Site extends PortPlace {
  readonly bridgeUuid: string;
  readonly subnets: readonly Cidr[];
}

/** The first tag of ports made by hand on a virtual machine, beyond those that Weft reaches during a bench. */
const firstTag = 3001;

export class BenchRuntime implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly client: KubeClient;
  readonly #names: Names;
  /** The bridge that pods are plugged into. */
  readonly #bridge: string;
  readonly #sites = new Map<string, Promise<Site>>();
  /** node -> what wires its pods bare */
  readonly #wirers = new Map<string, BareWirer>();
  /** node -> rows of the ports made ready for bare wiring */
  readonly #ready = new Map<string, readonly string[]>();

  private constructor(sandbox: Sandbox, client: KubeClient) {
    this.sandbox = sandbox;
    this.client = client;
    const { name, mode } = sandbox.layout;
    this.#names = namesOf(mode === "underlay" ? name : "weft");
    this.#bridge = mode === "underlay" ? onNode.externalBridge : onNode.integrationBridge;
  }

  /** Stops the sandbox's runners, so that nobody else calls the plugin. */
  static async on(sandbox: Sandbox): Promise<BenchRuntime> {
    for (const node of sandbox.nodes) await sandbox.processes.stop(`${node.host.name}-runner`);
    return new BenchRuntime(sandbox, new KubeClient(await loadKubeconfig(sandbox.kubeconfig)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wirer of this.#wirers.values()) await wirer[Symbol.asyncDispose]();
    this.client[Symbol.dispose]();
  }

  get firstNode(): NodeHost {
    const [node] = this.sandbox.layout.nodeHosts;
    if (!node) throw new Error("a sandbox without nodes");
    return node;
  }

  async namespaceFor(node: NodeHost, name: string): Promise<BenchPod> {
    const netns = `${node.netns}-bench-${name}`;
    await run(["ip", "netns", "add", netns]);
    return { node, name, netns };
  }

  async removeNamespace({ netns }: BenchPod): Promise<void> {
    await run(["ip", "netns", "del", netns]);
  }

  /** Creates the Pod object on its node. Resolves with its UID. */
  async createPod({ node, name }: BenchPod): Promise<string> {
    const object = await this.client.create(pathOf(kinds.Pod, namespace), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name },
      spec: { nodeName: node.name, containers: [{ name: "none", image: "none" }] },
    });
    return text(record(record(object).metadata).uid);
  }

  async deletePod({ name }: BenchPod): Promise<void> {
    await this.client.delete(pathOf(kinds.Pod, namespace, name), { gracePeriodSeconds: 0 });
  }

  /** Resolves with the addresses when the plugin has answered. */
  async add(pod: BenchPod, uid: string): Promise<readonly string[]> {
    const answer = record(JSON.parse(await this.#plugin("ADD", pod, uid)));
    const ips = Array.isArray(answer.ips) ? answer.ips : [];
    return ips.map((ip) => text(record(ip).address).replace(/\/.*/, ""));
  }

  async del(pod: BenchPod, uid: string): Promise<void> {
    await this.#plugin("DEL", pod, uid);
  }

  /** Resolves when the node can attach pods. */
  async ready(node: NodeHost): Promise<void> {
    const deadline = performance.now() + 60_000;
    const nobody = { node, name: "status", netns: node.netns };
    for (;;) {
      try {
        await this.#plugin("STATUS", nobody, "");
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(100);
      }
    }
  }

  /** Makes `count` ports ready for the bare wiring, which takes one for each pod. */
  async makeReady(node: NodeHost, count: number): Promise<void> {
    const site = await this.site(node);
    const ports = Array.from({ length: count }, (_, index) => this.handPort(`ready-${index}`, site, index));
    this.#ready.set(node.name, await makeReadyPorts(this.sandbox, node, site, ports));
  }

  /**
   * Starts a program in place of a plugin, then wires the pod bare, as the `index`th of its node, with a ready port if
   * there are any. Resolves with its addresses once packets can pass.
   */
  async addBare(pod: BenchPod, index: number): Promise<readonly string[]> {
    const wiring = await this.#wiring(pod, index);
    await run(inNetns(pod.node.netns, ["true"]));
    await this.#wirerOn(pod.node).wire(wiring);
    return wiring.addresses.map((address) => address.replace(/\/.*/, ""));
  }

  #wirerOn({ name, netns }: NodeHost): BareWirer {
    const wirer = this.#wirers.get(name) ?? new BareWirer(netns);
    this.#wirers.set(name, wirer);
    return wirer;
  }

  async delBare(pod: BenchPod): Promise<void> {
    const host = this.sandbox.host(pod.node.name);
    await host.exec(["ovs-vsctl", "--if-exists", "del-port", hostInterface(pod)]);
    if (this.#ready.has(pod.node.name)) return;
    const port = this.#names.podPort(namespace, pod.name);
    await this.sandbox.central.exec(["ovn-nbctl", "--if-exists", "lsp-del", port]);
  }

  /** The `index`th port of the node's switch that Weft does not make. */
  handPort(name: string, { subnets }: Site, index: number): HandPort {
    return {
      name: this.#names.podPort(namespace, name),
      network: podNetworkAt(subnets, lastOffset(subnets) - index),
      tag: this.sandbox.layout.tenant && firstTag + index,
    };
  }

  site(node: NodeHost): Promise<Site> {
    const known = this.#sites.get(node.name) ?? this.#siteOf(node);
    this.#sites.set(node.name, known);
    return known;
  }

  async #plugin(
    command: "ADD" | "DEL" | "STATUS",
    { node, name, netns }: BenchPod,
    uid: string,
  ): Promise<string> {
    const list = record(JSON.parse(readFileSync(node.cniConfiguration, "utf8")));
    const plugin = record(Array.isArray(list.plugins) ? list.plugins[0] : undefined);
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `bench-${name}`,
      CNI_NETNS: `/run/netns/${netns}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: node.cniPrograms,
      CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${namespace};K8S_POD_NAME=${name};K8S_POD_UID=${uid}`,
    };
    const input = JSON.stringify({ ...plugin, cniVersion: "1.0.0", name: text(list.name) });
    return run(inNetns(node.netns, [join(node.cniPrograms, text(plugin.type))]), {
      env,
      input,
      timeoutMs: 120_000,
    });
  }

  async #wiring(pod: BenchPod, index: number): Promise<Wiring> {
    const { node, name, netns } = pod;
    const site = await this.site(node);
    const ready = this.#ready.get(node.name);
    const queueUuid = ready?.[index];
    if (ready && queueUuid === undefined) throw new Error(`only ${ready.length} ports were made ready`);
    const northbound = this.sandbox.layout.central.northboundSocket;
    const origin: Origin =
      queueUuid === undefined
        ? { kind: "new", northbound, switchUuid: site.switchUuid }
        : { kind: "ready", queueUuid };
    const port = this.handPort(ready ? `ready-${index}` : name, site, index);
    return {
      origin,
      vswitch: node.ovsSocket,
      bridgeUuid: site.bridgeUuid,
      port: port.name,
      // On a virtual machine, an interface that is not a pod's is taken for an uplink.
      externalIds: { "iface-id": port.name, [attachmentKeys.container]: pod.name },
      tag: port.tag,
      completedBy: port.tag === undefined ? "ovn-controller" : "ovs-vswitchd",
      mac: port.network.mac,
      addresses: port.network.addresses.map(formatCidr),
      gateways: port.network.gateways.map(formatIp),
      netns: `/run/netns/${netns}`,
      hostInterface: hostInterface(pod),
      mtuBytes: 1400,
    };
  }

  async #siteOf(node: NodeHost): Promise<Site> {
    const args = ["ovs-vsctl", "get", "bridge", this.#bridge, "_uuid"];
    const bridgeUuid = (await this.sandbox.host(node.name).exec(args)).trim();
    const object = await this.client.get(pathOf(kinds.Node, "", node.name));
    const projected = kinds.Node.project(object, new Interner());
    const { cluster, nodeSwitch } = this.#names;
    return {
      bridgeUuid,
      switchUuid: rowUuid(cluster, "Logical_Switch", nodeSwitch(node.name)),
      parent: this.sandbox.layout.tenant?.vifs.find(({ host }) => host.name === node.name)?.logicalPort,
      chassisId: projected && chassisIdOf(projected),
      subnets: (projected && nodeSubnetsOf(projected)) ?? [],
    };
  }
}

/** Starts at the far end of the subnets, which Weft does not reach during a bench. */
const lastOffset = (subnets: readonly Cidr[]): number =>
  2 ** Math.min(...subnets.map(({ ip, bits }) => (ip.family === 4 ? 32 : 128) - bits)) - 50;

const hostInterface = (pod: BenchPod): string => `b${pod.name.slice(0, 14)}`;
