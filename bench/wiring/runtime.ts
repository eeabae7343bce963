// Plays the container runtime on the nodes of a sandbox whose runners are stopped: makes a pod's namespace, calls
// Weft's plugin in it as a runtime does, or wires it bare; and takes all of it away again.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import type { NodeHost } from "../../sandbox/host.ts";
import { run } from "../../sandbox/process/run.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { nodeSubnetsOf } from "../../src/kube/annotations.ts";
import { KubeClient } from "../../src/kube/client.ts";
import { Interner } from "../../src/kube/intern.ts";
import { record, text } from "../../src/kube/json.ts";
import { kinds } from "../../src/kube/kinds.ts";
import { loadKubeconfig } from "../../src/kube/kubeconfig.ts";
import { pathOf } from "../../src/kube/resource.ts";
import { addressAt, type Cidr, formatIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { namesOf, onNode } from "../../src/model/names.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import type { Wiring } from "./bare.ts";

const cluster = "weft";
const namespace = "default";

/** A pod as the runtime sees it. */
export interface BenchPod {
  readonly node: NodeHost;
  readonly name: string;
  readonly netns: string;
}

/** What bare wiring has to know of a node, asked for once. */
interface Site {
  readonly bridgeUuid: string;
  readonly subnets: readonly Cidr[];
}

export class BenchRuntime implements Disposable {
  readonly sandbox: Sandbox;
  readonly #client: KubeClient;
  readonly #bare: string;
  readonly #sites = new Map<string, Promise<Site>>();

  private constructor(sandbox: Sandbox, client: KubeClient, bare: string) {
    this.sandbox = sandbox;
    this.#client = client;
    this.#bare = bare;
  }

  /** Stops the sandbox's runners, so that nobody but this calls the plugin, and compiles the bare wiring. */
  static async on(sandbox: Sandbox, scratch: string): Promise<BenchRuntime> {
    for (const node of sandbox.nodes) await sandbox.processes.stop(`${node.host.name}-runner`);
    const bare = join(scratch, "weft-bare");
    await promisify(execFile)("node_modules/@oven/bun-linux-x64/bin/bun", [
      "build",
      "--compile",
      "--minify",
      "--bytecode",
      "bench/wiring/bare.ts",
      "--outfile",
      bare,
    ]);
    return new BenchRuntime(sandbox, new KubeClient(await loadKubeconfig(sandbox.kubeconfig)), bare);
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }

  async namespaceFor(node: NodeHost, name: string): Promise<BenchPod> {
    const netns = `${node.netns}-bench-${name}`;
    await run(["ip", "netns", "add", netns]);
    return { node, name, netns };
  }

  async removeNamespace({ netns }: BenchPod): Promise<void> {
    await run(["ip", "netns", "del", netns]);
  }

  /** Creates the Pod object on its node and resolves with its UID. */
  async createPod({ node, name }: BenchPod): Promise<string> {
    const object = await this.#client.create(pathOf(kinds.Pod, namespace), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name },
      spec: { nodeName: node.name, containers: [{ name: "none", image: "none" }] },
    });
    return text(record(record(object).metadata).uid);
  }

  async deletePod({ name }: BenchPod): Promise<void> {
    await this.#client.delete(pathOf(kinds.Pod, namespace, name), { gracePeriodSeconds: 0 });
  }

  /** Resolves with the addresses once the plugin has answered. */
  async add(pod: BenchPod, uid: string): Promise<readonly string[]> {
    const answer = record(JSON.parse(await this.#plugin("ADD", pod, uid)));
    const ips = Array.isArray(answer.ips) ? answer.ips : [];
    return ips.map((ip) => text(record(ip).address).replace(/\/.*/, ""));
  }

  async del(pod: BenchPod, uid: string): Promise<void> {
    await this.#plugin("DEL", pod, uid);
  }

  /** Wires the pod bare, as the `index`th of its node; resolves with its addresses once its flows are installed. */
  async addBare(pod: BenchPod, index: number): Promise<readonly string[]> {
    const wiring = await this.#wiring(pod, index);
    await run(inNetns(pod.node.netns, [this.#bare]), { input: JSON.stringify(wiring) });
    return wiring.addresses.map((address) => address.replace(/\/.*/, ""));
  }

  async delBare(pod: BenchPod): Promise<void> {
    const host = this.sandbox.host(pod.node.name);
    await host.exec(["ovs-vsctl", "--if-exists", "del-port", hostInterface(pod)]);
    await host.exec(["ovn-nbctl", "--if-exists", "lsp-del", namesOf(cluster).podPort(namespace, pod.name)]);
  }

  async #plugin(command: "ADD" | "DEL", { node, name, netns }: BenchPod, uid: string): Promise<string> {
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
    const { layout } = this.sandbox;
    const names = namesOf(cluster);
    const known = this.#sites.get(node.name) ?? this.#siteOf(node);
    this.#sites.set(node.name, known);
    const { bridgeUuid, subnets } = await known;
    // From the far end of the subnet, where Weft's next-fit does not come within a bench.
    const addresses = subnets.map((subnet) => addressAt(subnet, 200n - BigInt(index)));
    const [first] = addresses;
    if (!first) throw new Error(`node ${node.name} has no subnet`);
    return {
      northbound: layout.central.northboundSocket,
      vswitch: node.ovsSocket,
      switchUuid: rowUuid(cluster, "Logical_Switch", names.nodeSwitch(node.name)),
      bridgeUuid,
      port: names.podPort(namespace, name),
      mac: macOf(first),
      addresses: addresses.map((ip, i) => `${formatIp(ip)}/${subnets[i]?.bits}`),
      gateways: subnets.map((subnet) => formatIp(addressAt(subnet, 1n))),
      netns: `/run/netns/${netns}`,
      hostInterface: hostInterface(pod),
      mtuBytes: 1400,
    };
  }

  async #siteOf(node: NodeHost): Promise<Site> {
    const args = ["ovs-vsctl", "get", "bridge", onNode.integrationBridge, "_uuid"];
    const bridgeUuid = (await this.sandbox.host(node.name).exec(args)).trim();
    const object = await this.#client.get(pathOf(kinds.Node, "", node.name));
    const projected = kinds.Node.project(object, new Interner());
    return { bridgeUuid, subnets: (projected && nodeSubnetsOf(projected)) ?? [] };
  }
}

const hostInterface = (pod: BenchPod): string => `b${pod.name.slice(0, 14)}`;
