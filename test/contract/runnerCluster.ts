// A one-node cluster for the contract tests of the runner and the controllers: the sandbox's API server, its
// controllers and a runner, each a process in one private network namespace, with a small CNI plugin (runnerPlugin.sh).
// Tests talk to it with kubectl, as people do.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, open, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../../sandbox/process/run.ts";
import { execute } from "../../sandbox/runner/execute.ts";

const repository = join(import.meta.dirname, "..", "..");
const patienceMs = 60_000;

export type TestCluster = Awaited<ReturnType<typeof startCluster>>;

/** The node `n1` is ready for pods. Disposing of it leaves nothing behind. */
export async function startCluster(name: string) {
  await using stack = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), `weft-${name}-`));
  stack.defer(() => rm(directory, { recursive: true, force: true }));
  const netns = `wt-${name}`;
  const podPrefix = `${netns}-pod-`;
  await makeNode(netns);
  stack.defer(() => removeNamespaces(netns, podPrefix));
  const cni = join(directory, "cni");
  await mkdir(cni);
  await copyFile(join(import.meta.dirname, "runnerPlugin.sh"), join(cni, "test-plugin"));
  const kubeconfig = join(directory, "kubeconfig");
  const socket = join(directory, "kubelet.sock");
  const children = new Map<string, ReturnType<typeof spawn>>();

  const start = async (part: string, args: readonly string[]): Promise<void> => {
    const log = await open(join(directory, `${part}.log`), "a");
    const main = join(repository, "sandbox", part, "main.ts");
    const child = spawn("nsenter", [`--net=/run/netns/${netns}`, process.execPath, main, ...args], {
      stdio: ["ignore", log.fd, log.fd],
    });
    await log.close();
    children.set(part, child);
  };
  const stop = async (part: string, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(part);
    children.delete(part);
    if (!child || child.exitCode !== null) return;
    const ended = once(child, "exit");
    child.kill(signal);
    await ended;
  };
  stack.defer(async () => {
    for (const part of [...children.keys()].toReversed()) await stop(part, "SIGKILL");
  });
  const startRunner = () =>
    start("runner", [
      "--node",
      "n1",
      "--node-ip",
      "10.99.0.1,fd99::1",
      "--kubeconfig",
      kubeconfig,
      "--cni-conf-dir",
      join(directory, "net.d"),
      "--cni-bin-dir",
      cni,
      "--state",
      join(directory, "state"),
      "--socket",
      socket,
      "--netns-prefix",
      podPrefix,
    ]);
  const kubectlArgv = (args: readonly string[]) => [
    "nsenter",
    `--net=/run/netns/${netns}`,
    "kubectl",
    "--kubeconfig",
    kubeconfig,
    ...args,
  ];
  const kubectl = (args: readonly string[], input = "") =>
    execute(kubectlArgv(args), {
      env: { PATH: process.env["PATH"], HOME: directory },
      input,
      timeoutMs: patienceMs,
    });
  const ok = async (args: readonly string[], input = ""): Promise<string> => {
    const { code, stdout, stderr } = await kubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: exit ${code}: ${stderr}`);
    return stdout;
  };

  await start("api", [
    "--state-dir",
    join(directory, "api"),
    "--host",
    "127.0.0.1",
    "--port",
    "6443",
    "--service-cidr",
    "10.96.0.0/16",
    "--service-cidr",
    "fd00:10:96::/112",
    "--endpoint",
    "10.99.0.1",
    "--kubelet-socket",
    socket,
    "--kubeconfig",
    `${kubeconfig}=https://127.0.0.1:6443`,
  ]);
  await eventually("the API server answers", async () => (await kubectl(["get", "namespaces"])).code === 0);
  await start("controllers", ["--kubeconfig", kubeconfig]);
  await startRunner();
  await eventually("the node is registered", async () => (await kubectl(["get", "node", "n1"])).code === 0);
  const owned = stack.move();
  return {
    directory,
    netns,
    podPrefix,
    cni,
    kubectl,
    ok,
    kubectlArgv,
    /** For a test that kills it. The caller must end it. */
    kubectlProcess: (args: readonly string[]) => {
      const [command = "", ...rest] = kubectlArgv(args);
      return spawn(command, rest, { stdio: "ignore" });
    },
    startRunner,
    /** Whether the runner still has anything of the pod on disk. */
    holdsPod: async (uid: string) => (await readdir(join(directory, "state", "pods"))).includes(uid),
    signal: (part: "controllers" | "runner", signal: NodeJS.Signals) => children.get(part)?.kill(signal),
    killRunner: () => stop("runner", "SIGKILL"),
    /** Does what the network plugin's agent does: writes the configuration, clears the condition. */
    installNetwork: async () => {
      const config = { cniVersion: "1.1.0", name: "test", plugins: [{ type: "test-plugin" }] };
      await mkdir(join(directory, "net.d"), { recursive: true });
      await writeFile(join(directory, "net.d", "10-test.conflist"), JSON.stringify(config));
      const conditions = [{ type: "NetworkUnavailable", status: "False", reason: "Test" }];
      const patch = JSON.stringify({ status: { conditions } });
      await ok(["patch", "node", "n1", "--subresource=status", "-p", patch]);
      await ok(["wait", "--for=condition=Ready", "node/n1", "--timeout=60s"]);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Asks until the answer is yes. If it never is, the error names the question. */
export async function eventually(what: string, ask: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await ask())) {
    if (performance.now() > deadline) throw new Error(`not so after ${patienceMs} ms: ${what}`);
    await sleep(100);
  }
}

async function makeNode(netns: string): Promise<void> {
  await run(["ip", "netns", "add", netns]);
  const commands = [
    "link set lo up",
    "link add cni0 type bridge",
    "link set cni0 up",
    "addr add 10.99.0.1/24 dev cni0",
    "addr add fd99::1/64 dev cni0 nodad",
  ];
  await run(["ip", "-n", netns, "-batch", "-"], { input: commands.join("\n") });
}

/** Ends every process in the node's and the pods' namespaces, then removes the namespaces. */
async function removeNamespaces(netns: string, podPrefix: string): Promise<void> {
  const listed = (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0] ?? "");
  for (const name of listed.filter((one) => one === netns || one.startsWith(podPrefix))) {
    const pids = (await run(["ip", "netns", "pids", name])).split("\n").filter((pid) => pid !== "");
    for (const pid of pids) await run(["sh", "-c", `kill -9 ${pid} 2>/dev/null || true`]);
    await run(["ip", "netns", "delete", name]);
  }
}
