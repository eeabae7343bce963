// Plays the container runtime on a node whose runner is stopped: makes a pod's namespace, calls the CNI plugin as a
// runtime does, and runs an echo server in it. Needs nothing but the node.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { askFrom, type Question } from "../../sandbox/demo/probe.ts";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import type { NodeHost } from "../../sandbox/host.ts";
import { run } from "../../sandbox/process/run.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";

const echo = join(import.meta.dirname, "../../sandbox/echo/echo.pl");

export interface HandPod {
  readonly node: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface RunningPod extends HandPod {
  readonly container: string;
  readonly netns: string;
  readonly addresses: readonly string[];
}

export class HandRuntime implements AsyncDisposable {
  readonly #sandbox: Sandbox;
  readonly #servers = new Map<string, ChildProcess>();

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
  }

  /** The pod runs, and answers on port 8080. */
  async start(pod: HandPod): Promise<RunningPod> {
    const container = randomUUID();
    const netns = `${this.#node(pod).netns}-${container.slice(0, 12)}`;
    await run(["ip", "netns", "add", netns]);
    await run(["ip", "-n", netns, "link", "set", "lo", "up"]);
    const answer: { readonly ips: readonly { readonly address: string }[] } = JSON.parse(
      await this.#plugin("ADD", { ...pod, container, netns }),
    );
    const addresses = answer.ips.map(({ address }) => address.replace(/\/.*/, ""));
    const running = { ...pod, container, netns, addresses };
    await this.#serve(running);
    return running;
  }

  async stop(pod: RunningPod): Promise<void> {
    await this.#end(pod.container);
    await this.#plugin("DEL", pod);
    await run(["ip", "netns", "delete", pod.netns]);
  }

  /** The questions that got no answer, each with an explanation. */
  async failures(pod: RunningPod, questions: readonly Question[]): Promise<readonly string[]> {
    const results = await askFrom((argv, options) => run(inNetns(pod.netns, argv), options), questions);
    return questions.flatMap(({ way, address, port }, index) =>
      results[index]?.ok ? [] : [`${pod.name} ▶ ${way} ${address} ${port}: ${results[index]?.words}`],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of [...this.#servers.keys()]) await this.#end(container);
  }

  async #end(container: string): Promise<void> {
    const server = this.#servers.get(container);
    this.#servers.delete(container);
    if (!server || server.exitCode !== null) return;
    const ended = once(server, "exit");
    if (server.kill()) await ended;
  }

  async #serve({ name, node, container, netns }: RunningPod): Promise<void> {
    const [file = "", ...args] = inNetns(netns, ["perl", echo]);
    const env = { ...process.env, ECHO_POD: name, ECHO_NODE: node, ECHO_PORTS: "8080" };
    const server = spawn(file, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    this.#servers.set(container, server);
    await once(server.stdout, "data");
  }

  #plugin(
    command: "ADD" | "DEL",
    { container, netns, ...pod }: Omit<RunningPod, "addresses">,
  ): Promise<string> {
    const node = this.#node(pod);
    const list: {
      readonly name: string;
      readonly cniVersion: string;
      readonly plugins: readonly { readonly type: string }[];
    } = JSON.parse(readFileSync(node.cniConfiguration, "utf8"));
    const [plugin] = list.plugins;
    assert.ok(plugin);
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: container,
      CNI_NETNS: `/run/netns/${netns}`,
      CNI_IFNAME: "eth0",
      CNI_PATH: node.cniPrograms,
      CNI_ARGS: [
        "IgnoreUnknown=1",
        `K8S_POD_NAMESPACE=${pod.namespace}`,
        `K8S_POD_NAME=${pod.name}`,
        `K8S_POD_INFRA_CONTAINER_ID=${container}`,
        `K8S_POD_UID=${pod.uid}`,
      ].join(";"),
    };
    const input = JSON.stringify({ ...plugin, cniVersion: list.cniVersion, name: list.name });
    return run(inNetns(node.netns, [join(node.cniPrograms, plugin.type)]), { env, input, timeoutMs: 60_000 });
  }

  #node({ node }: HandPod): NodeHost {
    return this.#sandbox.layout.nodeHosts.find(({ name }) => name === node) ?? assert.fail(node);
  }
}
