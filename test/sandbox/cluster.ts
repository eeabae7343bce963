// A whole sandbox for the tests of one file, used as people use it: kubectl from the machine, probes from inside pods
// and nodes, ovn-nbctl. Waiting means asking again until a deadline that every healthy machine meets.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Path, Place, Result, Way } from "../../sandbox/demo/paths.ts";
import { nodePlaces, otherPlaces, podPlaces, servicePlaces } from "../../sandbox/demo/places.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { plainAddress } from "../../sandbox/host.ts";
import { type RunResult, run, tryRun } from "../../sandbox/process/run.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";

import type { Choices } from "../../sandbox/settings.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { privateName } from "../real/privateName.ts";

const root = join(import.meta.dirname, "../..");
const patienceMs = 45_000;

/** One question to one address; `port` is 0 for a ping. */
export interface Question {
  readonly way: Way;
  readonly address: string;
  readonly port: number;
  /** The client's own port; by default its kernel chooses. */
  readonly fromPort?: number;
}

/** The ways in which pods get onto a network. What people expect of pods, Services and the CNI is the same in all of them. */
const networks = {
  assigned: {},
  pooled: { addresses: "pooled" },
  underlay: { mode: "underlay" },
  local: { gateway: "local" },
} as const satisfies Readonly<Record<string, Choices>>;

/** What `WEFT_NETWORK` says. */
export function networkUnderTest(): keyof typeof networks {
  const wanted = process.env["WEFT_NETWORK"] ?? "assigned";
  const known = (["assigned", "pooled", "underlay", "local"] as const).find((name) => name === wanted);
  if (known) return known;
  throw new Error(`WEFT_NETWORK=${wanted}: assigned, pooled, underlay or local`);
}

export class Cluster implements AsyncDisposable {
  readonly sandbox: Sandbox;
  readonly #ends = new AsyncDisposableStack();

  private constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
    this.#ends.use(sandbox);
  }

  /** A running cluster with every node ready. `WEFT_NETWORK` names one of the networks. */
  static async up(choices: Choices & { readonly name: string }): Promise<Cluster> {
    const name = privateName(choices.name);
    const network = networks[networkUnderTest()];
    const cluster = new Cluster(await upSandbox({ ...network, ...choices, name }));
    try {
      await cluster.kubectl("wait", "--for=condition=Ready", "node", "--all", "--timeout=45s");
      return cluster;
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
  }

  /**
   * The host beyond the cluster's network that pods can reach although it does not know them: by translation, or
   * directly.
   */
  get beyond(): "outside" | "machine" {
    return this.sandbox.layout.mode === "overlay" ? "outside" : "machine";
  }

  /** The addresses of a host, without prefix lengths. */
  hostAddresses(name: string): readonly string[] {
    return this.sandbox.host(name).host.addresses.map(plainAddress);
  }

  /** The hosts whose Open vSwitch has OVN's flows. */
  get chassis(): readonly string[] {
    const { hypervisors, nodeHosts } = this.sandbox.layout;
    return (hypervisors.length > 0 ? hypervisors : nodeHosts).map(({ name }) => name);
  }

  /** The cluster id that rows in OVN carry. */
  get id(): string {
    return this.sandbox.layout.tenant ? this.sandbox.layout.name : "weft";
  }

  /** The MTU of a pod's interface: 1500 bytes, less the overhead of a tunnel if the node makes one. */
  get podMtu(): number {
    return this.sandbox.layout.mode === "overlay" ? 1500 - 58 : 1500;
  }

  /** The output of kubectl. Rejects when it fails. */
  kubectl(...args: readonly string[]): Promise<string> {
    return run(["kubectl", ...args], { env: this.#kubeEnv, timeoutMs: patienceMs });
  }

  tryKubectl(...args: readonly string[]): Promise<RunResult> {
    return tryRun(["kubectl", ...args], { env: this.#kubeEnv, timeoutMs: patienceMs });
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await run(["kubectl", "apply", "-f", "-"], { env: this.#kubeEnv, timeoutMs: patienceMs, input });
  }

  async podsReady(namespace: string, ...names: readonly string[]): Promise<void> {
    const which = names.length > 0 ? names.map((name) => `pod/${name}`) : ["pod", "--all"];
    await this.kubectl("wait", "--for=condition=Ready", "-n", namespace, "--timeout=45s", ...which);
  }

  /** A field of an object by kubectl's JSONPath, such as `{.status.podIP}`; empty when it is missing. */
  field(kind: string, namespace: string, name: string, path: string): Promise<string> {
    return this.kubectl("get", kind, "-n", namespace, name, "-o", `jsonpath=${path}`);
  }

  /** The messages of all Events with this reason about objects of this name. */
  messagesOf(name: string, reason: string): Promise<string> {
    return this.kubectl(
      ...["get", "events", "-A", `--field-selector=involvedObject.name=${name},reason=${reason}`],
      ...["-o", "jsonpath={.items[*].message}"],
    );
  }

  /** What a policy of the whole cluster says of itself: `True InForce installed on …`; blank when it says nothing. */
  inForce(kind: string, name: string): Promise<string> {
    const condition = '{.status.conditions[?(@.type=="InForce")]';
    const path = ["status", "reason", "message"].map((field) => `${condition}.${field}}`).join(" ");
    return this.field(kind, "", name, path);
  }

  async addressesOf(namespace: string, pod: string): Promise<readonly string[]> {
    return (await this.field("pod", namespace, pod, "{.status.podIPs[*].ip}")).split(" ").filter(Boolean);
  }

  async clusterIpsOf(namespace: string, service: string): Promise<readonly string[]> {
    return (await this.field("service", namespace, service, "{.spec.clusterIPs[*]}")).split(" ");
  }

  /** Everything that has paths: pods and Services of all namespaces, nodes, and the machines beside them. */
  async places(): Promise<readonly Place[]> {
    const get = (kind: string): Promise<string> => this.kubectl("get", kind, "-A", "-o", "json");
    return [
      ...podPlaces(await get("pods")),
      ...servicePlaces(await get("services")),
      ...nodePlaces(await get("nodes")),
      ...otherPlaces(this.sandbox.layout),
    ];
  }

  /** Asks all questions at once from `from`, a pod as `shop/web` or the name of a host. */
  async ask(from: string, questions: readonly Question[], limitSeconds?: number): Promise<readonly Result[]> {
    const place = (name: string, sort: Place["sort"]): Place => ({ name, sort, addresses: [], ports: [] });
    const source = place(from, from.includes("/") ? "pod" : "node");
    const target = place("target", "service");
    const paths = questions.map((question, index): Path => {
      return { ...question, id: String(index), from: source, to: target };
    });
    return (await checkPaths(this.sandbox, paths, () => undefined, limitSeconds)).map(({ result }) => result);
  }

  /** The questions that got no answer, each with an explanation. */
  async failures(from: string, questions: readonly Question[]): Promise<readonly string[]> {
    const results = await this.ask(from, questions);
    return questions.flatMap(({ way, address, port }, index) => {
      const result = results[index];
      return result?.ok ? [] : [`${from} ▶ ${way} ${address} ${port}: ${result?.words}`];
    });
  }

  /** The pods that answer when `question` is asked 16 times. A failure is listed as `!` and its explanation. */
  async answering(from: string, question: Question): Promise<readonly string[]> {
    const results = await this.ask(
      from,
      Array.from({ length: 16 }, () => question),
    );
    const names = results.map(({ ok, words }) => (ok ? (words.split(" ")[0] ?? "") : `!${words}`));
    return [...new Set(names)].toSorted();
  }

  /** The output of ovn-nbctl, without the last line end. */
  async northbound(...args: readonly string[]): Promise<string> {
    return (await this.sandbox.central.exec(["ovn-nbctl", ...args])).trimEnd();
  }

  /** The values of a column in the rows of a table that meet the conditions, one row per line. */
  async rows(table: string, column: string, ...conditions: readonly string[]): Promise<readonly string[]> {
    const found = await this.northbound("--bare", `--columns=${column}`, "find", table, ...conditions);
    return found.split("\n").filter((line) => line !== "");
  }

  /** The load balancer's targets for each virtual address, `10.96.0.9:80=10.244.0.5:8080`; undefined without a row. */
  async balancer(name: string): Promise<readonly string[] | undefined> {
    const json = await this.northbound(
      "-f",
      "json",
      "--columns=vips",
      "find",
      "Load_Balancer",
      `name=${name}`,
    );
    const {
      data,
    }: { data: readonly (readonly [readonly ["map", readonly (readonly [string, string])[]]])[] } =
      JSON.parse(json);
    return data[0]?.[0][1].map(([vip, targets]) => `${vip}=${targets}`).toSorted();
  }

  /** Runs `bin/weft` on the first node, where the environment names the databases and the API server. */
  weft(...args: readonly string[]): Promise<RunResult> {
    return this.sandbox.host("n1").tryExec([join(root, "bin/weft"), ...args]);
  }

  /** What the running controller, with its options, would change now. */
  dryRun(): Promise<RunResult> {
    const { argv } = this.sandbox.processes.record("controller");
    return this.weft(...argv.slice(1), "--dry-run");
  }

  /** The samples of a Prometheus endpoint on a node, by name and labels: `weft_pods{state="installed"}`. */
  async metrics(node: string, port: number): Promise<ReadonlyMap<string, number>> {
    const text = await this.sandbox.host(node).exec(["curl", "-sf", `http://127.0.0.1:${port}/metrics`]);
    const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      samples.map((line) => {
        const space = line.lastIndexOf(" ");
        return [line.slice(0, space), Number(line.slice(space))];
      }),
    );
  }

  /** Starts the sandbox's echo server on a host, for the life of the cluster. In its answers it uses the host's name. */
  async serveEcho(name: string, ...ports: readonly number[]): Promise<void> {
    const host = this.sandbox.host(name);
    const [file = "", ...args] = host.command(["perl", join(root, "sandbox/echo/echo.pl")]);
    const child = spawn(file, args, {
      env: { ...host.env, ECHO_POD: name, ECHO_NODE: name, ECHO_PORTS: ports.join() },
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#ends.defer(async () => {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill()) await ended;
    });
    await once(child.stdout, "data");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ends.disposeAsync();
  }

  get #kubeEnv(): Readonly<Record<string, string>> {
    return { KUBECONFIG: this.sandbox.kubeconfig };
  }
}

/**
 * What `look` returns once that is neither undefined nor false. Fails with the last finding if that never happens. Between two
 * looks it waits as long as one takes: kubectl, asked without a pause, would keep a processor busy.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  limitMs = patienceMs,
): Promise<T> {
  const deadline = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < deadline) {
    const startedMs = performance.now();
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
      last = "it does not hold";
    } catch (error) {
      last = error;
    }
    await delay(Math.max(100, performance.now() - startedMs));
  }
  throw new Error(`never: ${what}`, { cause: last });
}

/** Waits until `look` returns something deeply equal to `wanted`. */
export async function becomes<T>(what: string, wanted: T, look: () => Promise<T> | T): Promise<void> {
  await eventually(what, async () => {
    assert.deepEqual(await look(), wanted);
    return true;
  });
}
