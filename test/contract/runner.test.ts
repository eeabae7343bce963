// What the runner promises, tested with a real API server, real namespaces and a CNI plugin that is a real executable:
// as far as Weft and kubectl can tell, it behaves like a kubelet and a container runtime.

import assert from "node:assert/strict";
import { access, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { execute } from "../../sandbox/runner/execute.ts";
import { eventually, startCluster, type TestCluster } from "./runnerCluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster("runner");
});
after(() => cluster[Symbol.asyncDispose]());

const pod = (
  name: string,
  { initContainers = [], ...spec }: { initContainers?: readonly object[]; [field: string]: unknown } = {},
  containers: readonly object[] = [{ name: "main" }],
): string => {
  const imaged = (list: readonly object[]) => list.map((one) => ({ image: "any", ...one }));
  const complete = { ...spec, initContainers: imaged(initContainers), containers: imaged(containers) };
  return JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: complete });
};
const shell = (script: string, more: object = {}) => ({
  name: "main",
  command: ["sh", "-c", script],
  ...more,
});
const get = async (name: string, path: string): Promise<string> =>
  (await cluster.kubectl(["get", "pod", name, "-o", `jsonpath={${path}}`])).stdout;
const create = (json: string) => cluster.ok(["apply", "-f", "-"], json);
const ready = (...names: readonly string[]) =>
  cluster.ok(["wait", "--for=condition=Ready", "--timeout=60s", ...names.map((name) => `pod/${name}`)]);
const remove = (...names: readonly string[]) => cluster.ok(["delete", "pod", ...names]);
const calls = async (name: string) =>
  (await readFile(join(cluster.cni, "calls"), "utf8"))
    .split("\n")
    .filter((line) => line.split(" ")[1] === name)
    .map((line) => line.split(" "));
const commands = async (name: string) => (await calls(name)).map(([command]) => command);
/** The pid of the container's process, as the machine sees it. */
const pidOf = async (uid: string): Promise<string> => {
  const shim = (
    await readFile(join(cluster.directory, `state/pods/${uid}/containers/main/0/pid`), "utf8")
  ).trim();
  return readFile(`/proc/${shim}/task/${shim}/children`, "utf8");
};
const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

test("a node without a CNI configuration is not ready and has no network", async () => {
  const conditions = await cluster.ok(["get", "node", "n1", "-o", "jsonpath={.status.conditions}"]);
  const statuses = Object.fromEntries(
    JSON.parse(conditions).map((one: { type: string; status: string }) => [one.type, one.status]),
  );
  assert.equal(statuses.Ready, "False");
  assert.equal(statuses.NetworkUnavailable, "True");
  await cluster.installNetwork();
  const addresses = await cluster.ok(["get", "node", "n1", "-o", "jsonpath={.status.addresses[*].address}"]);
  assert.equal(addresses, "10.99.0.1 fd99::1 n1");
  const lease = ["get", "lease", "n1", "-n", "kube-node-lease", "-o", "jsonpath={.spec.holderIdentity}"];
  await eventually("the node has a lease", async () => (await cluster.kubectl(lease)).stdout === "n1");
});

test("a pod without a command answers over HTTP, TCP and UDP on both its addresses", async () => {
  await create(pod("echo", {}, [{ name: "main", ports: [{ containerPort: 8080 }] }]));
  await ready("echo");
  const [v4 = "", v6 = ""] = (await get("echo", ".status.podIPs[*].ip")).split(" ");
  assert.match(v6, /^fd99::/);
  const ask = `use IO::Socket::IP; for my $a (@ARGV) { for my $t (SOCK_STREAM, SOCK_DGRAM) {
    my $s = IO::Socket::IP->new(PeerHost => $a, PeerPort => 8080, Type => $t) or die "$@";
    syswrite $s, "hello\\n"; sysread $s, my $answer, 500; print $answer } }
    my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => 8080);
    syswrite $s, "GET /hostname HTTP/1.0\\r\\n\\r\\n"; local $/; print <$s> =~ s/.*\\r\\n\\r\\n//sr;`;
  const nsenter = [
    "nsenter",
    `--net=/run/netns/${cluster.netns}`,
    "perl",
    "-MSocket=:all",
    "-e",
    ask,
    v4,
    v6,
  ];
  const { stdout, stderr } = await execute(nsenter, { timeoutMs: 10_000 });
  const lines = stdout.trim().split("\n");
  assert.equal(stderr, "");
  assert.equal(lines.length, 5, stdout);
  for (const line of lines.slice(0, 2)) assert.match(line, /^echo n1 10\.99\.0\.1 \d+ hello$/);
  for (const line of lines.slice(2, 4)) assert.match(line, /^echo n1 fd99::1 \d+ hello$/);
  assert.equal(lines[4], "echo");
  assert.equal(await get("echo", ".status.hostIP"), "10.99.0.1");
  assert.equal(await get("echo", ".status.qosClass"), "BestEffort");
});

test("the plugin is called as a container runtime calls it, and once for each end of the pod", async () => {
  const uid = await get("echo", ".metadata.uid");
  const [[, , id = "", interfaceName, netns = "", args] = []] = await calls("echo");
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(interfaceName, "eth0");
  assert.ok(netns.startsWith(`/run/netns/${cluster.podPrefix}`));
  assert.equal(
    args,
    `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=echo;K8S_POD_INFRA_CONTAINER_ID=${id};K8S_POD_UID=${uid}`,
  );
  const stdin = JSON.parse(await readFile(join(cluster.cni, "stdin.ADD"), "utf8"));
  assert.deepEqual(stdin, { type: "test-plugin", name: "test", cniVersion: "1.1.0" });
  await remove("echo");
  assert.deepEqual(await commands("echo"), ["ADD", "DEL"]);
  const given = JSON.parse(await readFile(join(cluster.cni, "stdin.DEL"), "utf8"));
  assert.equal(given.prevResult.ips.length, 2);
  assert.equal(await exists(netns), false);
  assert.deepEqual(await readdir(join(cluster.directory, "state/pods")), []);
});

test("a refused ADD becomes an Event with the plugin's words, is undone, and is tried again", async () => {
  await writeFile(join(cluster.cni, "refuse"), "");
  await create(pod("refused-1", {}));
  await create(pod("other", {}));
  await ready("other");
  const events = ["get", "events", "-o", "jsonpath={.items[*].message}"];
  const words = 'plugin type="test-plugin" name="test" failed (add): no address left; try again later';
  await eventually("the event is there", async () => (await cluster.ok(events)).includes(words));
  assert.equal(await get("refused-1", ".status.phase"), "Pending");
  await rm(join(cluster.cni, "refuse"));
  await ready("refused-1");
  const tries = await commands("refused-1");
  assert.deepEqual(tries.slice(0, 3), ["ADD", "DEL", "ADD"]);
  assert.equal(tries.at(-1), "ADD");
  const ids = (await calls("refused-1")).filter(([command]) => command === "ADD").map(([, , id]) => id);
  assert.equal(new Set(ids).size, ids.length, "each try has a container id of its own");
  await remove("refused-1", "other");
});

test("exec gives back output, errors and exit code, takes input and lends a terminal", async () => {
  await create(pod("shell", {}, [shell("trap 'exit 0' TERM; sleep 1000 & wait")]));
  await ready("shell");
  const failing = await cluster.kubectl(["exec", "shell", "--", "sh", "-c", "hostname; echo no >&2; exit 7"]);
  assert.equal(failing.stdout, "shell\n");
  assert.match(failing.stderr, /^no\n/);
  assert.equal(failing.code, 7);
  assert.equal(await cluster.ok(["exec", "-i", "shell", "--", "sort"], "b\na\n"), "a\nb\n");
  const inside = await cluster.ok(["exec", "shell", "--", "ps", "-o", "pid=,comm=", "-p", "1"]);
  assert.match(inside, /^ +1 sh\n$/);
  const bytes = await cluster.ok([
    "exec",
    "shell",
    "--",
    "sh",
    "-c",
    "head -c 5000000 /dev/zero | tr '\\0' x",
  ]);
  assert.equal(bytes.length, 5_000_000);
  const terminal = cluster.kubectlArgv(["exec", "-it", "shell", "--", "tty"]).join(" ");
  const { stdout } = await execute(["script", "-qec", terminal, "/dev/null"], { timeoutMs: 10_000 });
  assert.match(stdout, /\/dev\/pts\/\d+/);
});

test("a container sees the machine's disk and writes only to places of its own", async () => {
  const script =
    "for place in / /etc /usr /var/tmp /dev /sys /tmp /run /dev/shm; do [ -w $place ] && echo $place; done";
  await create(
    pod("reader", { hostAliases: [{ ip: "192.0.2.1", hostnames: ["other"] }] }, [
      shell("trap 'exit 0' TERM; sleep 1000 & wait", { workingDir: "/tmp" }),
    ]),
  );
  await ready("reader");
  const inside = (command: string) => cluster.ok(["exec", "reader", "--", "sh", "-c", command]);
  assert.equal(await inside(`${script}; true`), "/tmp\n/run\n/dev/shm\n");
  assert.match(await inside("ls -d /run/netns 2>&1 || true"), /cannot access '\/run\/netns'/);
  // Of the machine's /tmp it has the folder of this project at most, when that is there.
  const [root = ""] = /^\/tmp\/[^/]+/.exec(import.meta.dirname) ?? [];
  assert.equal((await inside("ls -A /tmp")).trim(), root.slice("/tmp/".length));
  assert.equal(
    await inside("touch /tmp/mine && readlink /proc/1/cwd && ls /proc/1/cwd/mine"),
    "/tmp\n/proc/1/cwd/mine\n",
  );
  assert.match(await inside("cat /etc/hosts"), /^10\.99\.0\.\d+\treader$/m);
  assert.match(await inside("echo '192.0.2.2 more' >>/etc/hosts; cat /etc/hosts"), /^192\.0\.2\.1\tother$/m);
  await remove("reader");
});

test("a pod is told once that its image is ignored", async () => {
  const crashes = pod("ignorant", {}, [
    { name: "main", image: "nginx", command: ["true"] },
    { name: "echo" },
  ]);
  await create(crashes);
  const restarts = () => get("ignorant", ".status.containerStatuses[?(@.name=='main')].restartCount");
  await eventually("it was restarted", async () => Number(await restarts()) > 0);
  const selector = "--field-selector=involvedObject.name=ignorant,reason=ImageIgnored";
  const events = ["get", "events", selector, "-o", "jsonpath={.items[*].count} {.items[*].message}"];
  await eventually("the event is there", async () => (await cluster.ok(events)).startsWith("1 "));
  assert.match(await cluster.ok(events), /^1 .*nginx.*machine's own programs; .*echo server.*echo/);
  await cluster.ok(["delete", "pod", "ignorant", "--grace-period=1"]);
});

test("a command that exec started ends with the client", async () => {
  const client = cluster.kubectlProcess(["exec", "shell", "--", "sleep", "987654"]);
  const sleeping = async () =>
    (await cluster.ok(["exec", "shell", "--", "ps", "-eo", "args="])).includes("sleep 987654");
  await eventually("the command runs", sleeping);
  client.kill("SIGKILL");
  await eventually("the command is gone", async () => !(await sleeping()));
  await remove("shell");
});

test("logs can be followed to the end, cut to their tail, and read of the run before", async () => {
  const script = "echo one; echo two; until [ -e /tmp/go ]; do sleep 0.1; done; exit 1";
  await create(pod("talker", {}, [shell(script)]));
  await ready("talker");
  await cluster.ok(["exec", "talker", "--", "touch", "/tmp/go"]);
  await eventually(
    "it was restarted",
    async () => (await get("talker", ".status.containerStatuses[0].restartCount")) === "1",
  );
  await ready("talker");
  assert.equal(await cluster.ok(["logs", "talker", "--tail=1"]), "two\n");
  assert.equal(await cluster.ok(["logs", "talker", "--previous"]), "one\ntwo\n");
  const last = await get("talker", ".status.containerStatuses[0].lastState.terminated.exitCode");
  assert.equal(last, "1");
  await create(
    pod("counter", { restartPolicy: "Never" }, [shell("for i in 1 2 3; do echo $i; sleep 0.2; done")]),
  );
  await eventually("it runs or ran", async () =>
    ["Running", "Succeeded"].includes(await get("counter", ".status.phase")),
  );
  assert.equal(await cluster.ok(["logs", "-f", "counter"]), "1\n2\n3\n");
  await cluster.ok(["delete", "pod", "talker", "counter", "--grace-period=1"]);
});

test("a pod that ends gives its network back, keeps its status and its logs", async () => {
  const init = [{ name: "first", command: ["sh", "-c", "echo prepared"] }];
  await create(pod("job", { restartPolicy: "Never", initContainers: init }, [shell("echo done; exit 5")]));
  await eventually("it failed", async () => (await get("job", ".status.phase")) === "Failed");
  await eventually("DEL was called", async () => (await commands("job")).includes("DEL"));
  assert.equal(await get("job", ".status.containerStatuses[0].state.terminated.exitCode"), "5");
  assert.match(await get("job", ".status.podIP"), /^10\.99\.0\./);
  assert.equal(await cluster.ok(["logs", "job"]), "done\n");
  assert.equal(await cluster.ok(["logs", "job", "-c", "first"]), "prepared\n");
  await remove("job");
  assert.deepEqual(await commands("job"), ["ADD", "DEL"]);
});

test("probes decide readiness and restarts", async () => {
  const touch = (path: string) => cluster.ok(["exec", "probed", "--", "touch", path]);
  const quick = { periodSeconds: 1, failureThreshold: 1 };
  const probed = shell("trap 'exit 0' TERM; sleep 1000 & wait", {
    readinessProbe: { exec: { command: ["test", "-e", "/tmp/flag"] }, ...quick },
    livenessProbe: { exec: { command: ["test", "!", "-e", "/tmp/dead"] }, ...quick },
  });
  await create(pod("probed", {}, [probed]));
  await eventually("it runs", async () => (await get("probed", ".status.phase")) === "Running");
  const isReady = () => get("probed", ".status.conditions[?(@.type=='Ready')].status");
  assert.equal(await isReady(), "False");
  await touch("/tmp/flag");
  await eventually("it is ready", async () => (await isReady()) === "True");
  await touch("/tmp/dead");
  await eventually(
    "it was restarted",
    async () => (await get("probed", ".status.containerStatuses[0].restartCount")) !== "0",
  );
  await eventually("it is ready no more, in a fresh /tmp", async () => (await isReady()) === "False");
  await remove("probed");
});

test("attach shows what a container says and gives it what is typed, with a terminal or without", async () => {
  const talk = ["run", "-i", "--rm", "--restart=Never", "--image=any", "--quiet"];
  const loud = ["sh", "-c", 'echo ready; while read -r line; do echo "you said $line"; done'];
  assert.equal(
    await cluster.ok([...talk, "listener", "--command", "--", ...loud], "one\ntwo\n"),
    "ready\nyou said one\nyou said two\n",
  );
  const typing = cluster.kubectlArgv([...talk, "-t", "typist", "--command", "--", "sh"]).join(" ");
  const { stdout } = await execute(["script", "-qec", typing, "/dev/null"], {
    input: "tty; hostname; exit\n",
    timeoutMs: 30_000,
  });
  assert.match(stdout, /\/dev\/pts\/\d+\s+typist/);
});

test("debug adds a container to a running pod, in its network, that ends with it", async () => {
  await create(pod("patient", {}));
  await ready("patient");
  const debug = ["debug", "patient", "--image=any", "--container=doctor", "--", "sh", "-c"];
  await cluster.ok([...debug, "hostname; ip -o address show dev eth0 | wc -l; sleep 1000"]);
  await eventually(
    "it runs",
    async () => (await get("patient", ".status.ephemeralContainerStatuses[0].state.running")) !== "",
  );
  await eventually("it has spoken", async () =>
    /^patient\n[2-9]\n$/.test(await cluster.ok(["logs", "patient", "-c", "doctor"])),
  );
  assert.equal(await cluster.ok(["exec", "patient", "-c", "doctor", "--", "hostname"]), "patient\n");
  assert.equal(await get("patient", ".status.phase"), "Running");
  await remove("patient");
});

test("a container gets TERM and its grace, then KILL", async () => {
  await create(pod("polite", {}, [shell("trap 'echo bye; exit 0' TERM; sleep 1000 & wait")]));
  await create(pod("deaf", { terminationGracePeriodSeconds: 1 }, [shell("trap '' TERM; sleep 1000")]));
  await ready("polite", "deaf");
  const said = cluster.ok(["logs", "-f", "polite"]);
  await remove("polite", "deaf");
  assert.equal(await said, "bye\n");
});

test("a container is told about its pod by the downward API", async () => {
  const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const env = [
    field("NAME", "metadata.name"),
    field("NODE", "spec.nodeName"),
    field("IP", "status.podIP"),
    { name: "ALL", value: "$(NAME) on $(NODE) at $(IP), $$(NAME) $(UNKNOWN)" },
  ];
  await create(pod("told", { restartPolicy: "Never" }, [shell('echo "$ALL"', { env })]));
  await eventually("it ended", async () => (await get("told", ".status.phase")) === "Succeeded");
  const ip = await get("told", ".status.podIP");
  assert.equal(await cluster.ok(["logs", "told"]), `told on n1 at ${ip}, $(NAME) $(UNKNOWN)\n`);
  await remove("told");
});

test("a pod of the host's network lives in the node's namespace with the node's addresses", async () => {
  const ports = [{ containerPort: 9099 }];
  await create(pod("host", { hostNetwork: true }, [{ name: "main", ports }]));
  await ready("host");
  assert.equal(await get("host", ".status.podIPs[*].ip"), "10.99.0.1 fd99::1");
  const listening = await execute(
    ["nsenter", `--net=/run/netns/${cluster.netns}`, "ss", "-Hltn", "sport = 9099"],
    {
      timeoutMs: 5000,
    },
  );
  assert.match(listening.stdout, /9099/);
  await remove("host");
  assert.deepEqual(await commands("host"), []);
});

test("a runner that is killed leaves its pods running, and the next one takes them over", async () => {
  const waits = shell("until [ -e /tmp/go ]; do sleep 0.1; done; exit 9");
  await create(pod("stays", {}));
  await create(pod("ends", { restartPolicy: "Never" }, [waits]));
  await create(pod("deleted", {}));
  await ready("stays", "ends", "deleted");
  const uid = await get("stays", ".metadata.uid");
  const tmp = `state/pods/${await get("ends", ".metadata.uid")}/containers/main/0/tmp`;
  const ip = await get("stays", ".status.podIP");
  const pid = await pidOf(uid);
  const [[, , , , netns = ""] = []] = await calls("deleted");
  await cluster.killRunner();
  await writeFile(join(cluster.directory, tmp, "go"), "");
  await cluster.ok(["delete", "pod", "deleted", "--grace-period=0", "--force"]);
  await cluster.startRunner();
  await eventually(
    "the end it did not see is reported",
    async () => (await get("ends", ".status.containerStatuses[0].state.terminated.exitCode")) === "9",
  );
  await eventually(
    "the deleted pod's network is removed",
    async () => (await commands("deleted")).includes("DEL") && !(await exists(netns)),
  );
  assert.deepEqual(await commands("stays"), ["ADD"]);
  assert.equal(await pidOf(uid), pid);
  assert.equal(await get("stays", ".status.podIP"), ip);
  assert.equal(await get("stays", ".status.containerStatuses[0].restartCount"), "0");
  assert.equal(await cluster.ok(["exec", "stays", "--", "hostname"]), "stays\n");
  assert.match(await cluster.ok(["logs", "stays"]), /answers on port 8080/);
  const valid = JSON.parse(await readFile(join(cluster.cni, "stdin.GC"), "utf8"))[
    "cni.dev/valid-attachments"
  ];
  assert.ok(valid.length >= 1);
  await remove("stays", "ends");
  assert.deepEqual(await readdir(join(cluster.directory, "state/pods")), []);
});

test("a node is ready only while its plugin answers STATUS without an error", async () => {
  const ready = () =>
    cluster.ok(["get", "node", "n1", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']);
  const refuse = join(cluster.cni, "refuse");
  await writeFile(refuse, "");
  await eventually("the node is not ready", async () => (await ready()) === "False");
  const { stdout } = await cluster.kubectl(["describe", "node", "n1"]);
  assert.match(stdout, /NetworkPluginNotReady .*failed \(status\): no agent/);
  await rm(refuse);
  await eventually("the node is ready", async () => (await ready()) === "True");
});
