// What an operator does and sees: restarts that change nothing, the dry run, `weft status`, metrics, and nodes that go,
// come back and move.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { pathsBetween } from "../../sandbox/demo/paths.ts";
import { checkPaths } from "../../sandbox/demo/probe.ts";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import { run } from "../../sandbox/process/run.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";
import { dumpNorthbound } from "./ovnDump.ts";

const ns = "ops";
const ports = { controller: 9411, agent: 9410 };

suite("operations", suiteLimit, () => {
  let cluster: Cluster;

  const podOn = (node: string) => pod({ namespace: ns, name: `on-${node}`, node, labels: { app: "web" } });

  before(async () => {
    cluster = await Cluster.up({ name: "testops" });
    const spec = { selector: { app: "web" }, ports: [{ port: 80, targetPort: 8080 }] };
    await cluster.apply(namespace(ns), service({ namespace: ns, name: "web", spec }));
    await cluster.apply(...["n1", "n2", "n3"].map(podOn));
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const steady = () =>
    eventually("the controller is steady", async () => {
      const metrics = await cluster.metrics("n1", ports.controller);
      const log = cluster.sandbox.processes.logTail("controller", 50);
      const since = log.slice(log.lastIndexOf('"waiting to lead"'));
      return metrics.get("weft_queue_depth") === 0 && since.includes('"steady"') && metrics;
    });
  const everythingIsReached = () =>
    becomes("every path works", [], async () => {
      const paths = pathsBetween(await cluster.places());
      return (await checkPaths(cluster.sandbox, paths, () => undefined))
        .filter(({ result }) => !result.ok)
        .map(({ path, result }) => `${path.id}: ${result.words}`);
    });
  /** All rows except the fence, whose epoch each leader increments. */
  const northboundContents = async (): Promise<readonly string[]> =>
    [...(await dumpNorthbound(cluster)).values()]
      .filter(({ name }) => name !== "weft_fence")
      .map(({ table, text }) => `${table} ${text}`)
      .toSorted();
  test("the controller's metrics have queue, plans, transactions, pods by state, births and the event loop", async () => {
    const metrics = await steady();
    assert.equal(metrics.get('weft_pods{state="installed"}'), 3);
    assert.equal(metrics.get("weft_leader"), 1);
    assert.equal(metrics.get("weft_queue_failing"), 0);
    for (const step of ["seen", "decided", "committed", "bound", "installed"])
      assert.equal(metrics.get(`weft_pod_birth_step_seconds_count{step="${step}"}`), 3, step);
    for (const kind of ["cluster", "node", "pod", "service"])
      assert.ok((metrics.get(`weft_plan_seconds_count{kind="${kind}"}`) ?? 0) > 0, kind);
    for (const name of [
      "weft_transaction_seconds_count",
      "weft_transaction_operations_sum",
      "nodejs_eventloop_lag_p99_seconds",
      "process_resident_memory_bytes",
      "process_start_time_seconds",
      "process_open_fds",
      "process_cpu_seconds_total",
    ])
      assert.ok((metrics.get(name) ?? 0) > 0, name);
    const agent = await cluster.metrics("n2", ports.agent);
    assert.equal(agent.get("weft_cni_attachments"), 1);
    assert.equal(agent.get("weft_node_ready"), 1);
    assert.equal(agent.get('weft_cni_request_seconds_count{command="ADD",code="0"}'), 1);
    for (const phase of ["address", "link", "port", "installed"])
      assert.equal(agent.get(`weft_cni_add_phase_seconds_count{phase="${phase}"}`), 1, phase);
  });

  test("controller and agents report whether they are alive and ready", async () => {
    for (const port of Object.values(ports))
      for (const path of ["livez", "readyz"])
        await cluster.sandbox.host("n1").exec(["curl", "-sf", `http://127.0.0.1:${port}/${path}`]);
  });

  test("a controller that is killed and restarted sends no operation and makes no new decision", async () => {
    await steady();
    const annotations = () =>
      cluster.kubectl("get", "nodes,pods", "-A", "-o", "jsonpath={.items[*].metadata.annotations}");
    const before = { rows: await northboundContents(), annotations: await annotations() };
    await cluster.sandbox.processes.kill("controller", "SIGKILL");
    await cluster.sandbox.processes.start("controller");
    const metrics = await steady();
    assert.deepEqual({ rows: await northboundContents(), annotations: await annotations() }, before);
    assert.equal(metrics.get("weft_transaction_operations_sum"), 0);
  });

  test("a dry run prints what would be sent, and sends nothing", async () => {
    const nothing = await cluster.dryRun();
    assert.deepEqual([nothing.status, nothing.stdout], [0, "nothing to do\n"]);
    await cluster.sandbox.processes.stop("controller");
    const spec = { selector: { app: "web" }, ports: [{ port: 81, targetPort: 8080 }] };
    await cluster.apply(
      service({ namespace: ns, name: "dry", spec }),
      pod({ namespace: ns, name: "dry", node: "n2" }),
    );
    const some = await cluster.dryRun();
    assert.equal(some.status, 0);
    assert.match(some.stdout, /insert Load_Balancer .*weft_svc_ops_dry_tcp/);
    assert.match(some.stdout, /insert Logical_Switch_Port .*weft_pod_ops_dry/);
    assert.equal(await cluster.balancer("weft_svc_ops_dry_tcp"), undefined);
    assert.doesNotMatch(await cluster.field("pod", ns, "dry", "{.metadata.annotations}"), /pod-networks/);
    const waiting = await cluster.weft("status");
    assert.equal(waiting.status, 1);
    assert.match(
      waiting.stdout,
      /ops\/dry +n2 +address +has no address: (no controller leads|see its Events)/,
    );
    await cluster.sandbox.processes.start("controller");
    await cluster.podsReady(ns, "dry");
    assert.notEqual(await cluster.balancer("weft_svc_ops_dry_tcp"), undefined);
  });

  test("`weft status` is healthy with exit status 0, in a sentence and in JSON", async () => {
    const text = await cluster.weft("status");
    assert.equal(text.status, 0, text.stdout + text.stderr);
    assert.match(text.stdout, /^healthy: 3 nodes, 4 pods, 4 Services; nothing waits\n/);
    const json = await cluster.weft("status", "-o", "json");
    const report = JSON.parse(json.stdout);
    assert.deepEqual(
      [json.status, report.health, report.waiting, report.unreachable],
      [0, "healthy", [], []],
    );
    assert.equal(report.nodes.length, 3);
  });

  test("`weft status` says what it cannot tell, with exit status 2, and still judges the rest", async () => {
    const away = ["--southbound", "unix:/nowhere", "--timeout", "1"];
    const text = await cluster.weft("status", ...away);
    assert.equal(text.status, 2);
    assert.match(text.stdout, /^cannot tell: southbound: /);
    const json = await cluster.weft("status", "-o", "json", ...away);
    const report = JSON.parse(json.stdout);
    assert.deepEqual([json.status, report.health, report.nodes.length], [2, "unknown", 3]);
    const nonsense = await cluster.weft("status", "--no-such-option");
    assert.equal(nonsense.status, 2);
  });

  test("`weft status` names a node that the southbound database has lost, until the node is back", async () => {
    const chassis = await cluster.kubectl(
      "get",
      "node",
      "n3",
      "-o",
      "jsonpath={.metadata.annotations.k8s\\.ovn\\.org/node-chassis-id}",
    );
    await cluster.sandbox.processes.stop("n3-ovn-controller");
    await cluster.sandbox.central.exec(["ovn-sbctl", "--if-exists", "chassis-del", chassis]);
    const text = await eventually("the node is named", async () => {
      const found = await cluster.weft("status");
      return found.status === 1 && found.stdout.includes("1 pod waiting") && found.stdout;
    });
    assert.match(text, /^unhealthy: 1 node with a problem \(n3: .*\), 1 pod waiting for the network\n/);
    assert.match(text, /^n3 .*(is not in the southbound database|ovn-controller is not running)/m);
    await cluster.sandbox.processes.start("n3-ovn-controller");
    await eventually("all is well again", async () => (await cluster.weft("status")).status === 0);
  });

  const readyz = async (node: string, port: number): Promise<string> =>
    (
      await cluster.sandbox.host(node).tryExec(["curl", "-s", `http://127.0.0.1:${port}/readyz`])
    ).stdout.trim();
  const condition = (node: string) =>
    cluster.field(
      "node",
      "",
      node,
      '{range .status.conditions[?(@.type=="NetworkUnavailable")]}{.status} {.reason}{end}',
    );
  /** Waits until /readyz, the Node's condition and `weft status` say that n2 and n3 work. */
  const allIsWell = () =>
    eventually("all three places say that all is well", async () => {
      assert.equal(await readyz("n1", ports.controller), "ok");
      for (const node of ["n2", "n3"]) {
        assert.equal(await readyz(node, ports.agent), "ok");
        assert.match(await condition(node), /^False /);
      }
      const { stdout } = await cluster.weft("status");
      assert.match(stdout, /^healthy: /);
      return true;
    });

  test("a dead vswitchd and a dead ovn-controller are told by readiness, condition, metrics and status, until they are back", async () => {
    const { processes } = cluster.sandbox;
    await allIsWell();
    await processes.kill("n2-vswitchd", "SIGKILL");
    await processes.kill("n3-ovn-controller", "SIGKILL");
    await eventually("all places say so", async () => {
      assert.match(await readyz("n2", ports.agent), /^ovs-vswitchd is not running/);
      assert.match(await readyz("n3", ports.agent), /^ovn-controller is not running/);
      // In the userspace datapath the node's own network goes down with vswitchd, and so does its agent's way to the API.
      assert.match(await condition("n2"), /^True (VswitchdDown|AgentSilent)$/);
      assert.equal(await condition("n3"), "True OvnControllerDown");
      const { status, stdout } = await cluster.weft("status");
      assert.equal(status, 1);
      assert.match(stdout, /^unhealthy: 2 nodes with a problem \(the worst, n2: /);
      assert.match(stdout, /^n3 .* ovn-controller is not running/m);
      assert.match(stdout, /\nnext: on n2: /);
      return true;
    });
    const metrics = await cluster.metrics("n2", ports.agent);
    assert.equal(metrics.get('weft_node_part_up{part="ovs-vswitchd"}'), 0);
    assert.equal(metrics.get("weft_node_ready"), 0);
    await Promise.all(["n2-vswitchd", "n3-ovn-controller"].map((name) => processes.start(name)));
    await allIsWell();
    await everythingIsReached();
  });

  test("a dead northd and a dead agent are told by the controller, until they are back", async () => {
    const { processes } = cluster.sandbox;
    await processes.kill("central-northd", "SIGKILL");
    await processes.kill("n2-agent", "SIGKILL");
    await eventually("all places say so", async () => {
      assert.match(await readyz("n1", ports.controller), /^ovn-northd does not follow/);
      assert.equal(await condition("n2"), "True AgentSilent");
      const { status, stdout } = await cluster.weft("status");
      assert.equal(status, 1);
      assert.match(
        stdout,
        /^unhealthy: ovn-northd does not follow .*, 1 node with a problem \(n2: The Weft agent/,
      );
      assert.match(stdout, /\nnext: where OVN's databases run: ovn-appctl -t ovn-northd status/);
      return true;
    });
    const metrics = await cluster.metrics("n1", ports.controller);
    assert.equal(metrics.get('weft_part_up{part="northd"}'), 0);
    assert.equal(metrics.get('weft_agents{state="silent"}'), 1);
    await Promise.all(["central-northd", "n2-agent"].map((name) => processes.start(name)));
    await allIsWell();
  });

  test("`weft status` for another cluster says that it is not here, and which is", async () => {
    const { status, stdout } = await cluster.weft("status", "--cluster", "shop");
    assert.equal(status, 2);
    assert.match(stdout, /^cannot tell: there is no cluster shop in this northbound database, only weft/);
    assert.match(stdout, /\nnext: weft status --cluster weft\n$/);
  });

  test("rows of a deleted node go, and when it comes back it is adopted and its pods reach everything", async () => {
    const { processes } = cluster.sandbox;
    const rowsOfNode = async () =>
      (await cluster.rows("Logical_Switch", "name"))
        .concat(await cluster.rows("Logical_Router", "name"))
        .filter((name) => name.endsWith("_n3"))
        .toSorted();
    const had = await rowsOfNode();
    assert.ok(had.length >= 3);
    const southbound = async (...args: readonly string[]): Promise<string> =>
      (await cluster.sandbox.central.exec(["ovn-sbctl", ...args])).trim();
    const hostnames = async () =>
      (await southbound("--bare", "--columns=hostname", "find", "Chassis"))
        .split("\n")
        .filter(Boolean)
        .toSorted();
    // A hypervisor of somebody else's, which is as silent as a dead node.
    await southbound("chassis-add", "foreign", "geneve", "172.30.0.99");
    await southbound("set", "Chassis", "foreign", "hostname=n4");
    assert.deepEqual(await hostnames(), ["n1", "n2", "n3", "n4"]);
    await processes.stop("n3-agent");
    await processes.stop("n3-runner");
    await processes.kill("n3-ovn-controller", "SIGKILL");
    await cluster.kubectl("delete", "node", "n3");
    await becomes("no row of the node is left", [], rowsOfNode);
    await eventually("its chassis is gone", async () => !(await hostnames()).includes("n3"), 90_000);
    assert.deepEqual(await hostnames(), ["n1", "n2", "n4"]);
    await southbound("chassis-del", "foreign");
    await processes.start("n3-ovn-controller");
    await processes.start("n3-agent");
    await processes.start("n3-runner");
    await eventually(
      "the node is back",
      async () =>
        (await cluster.tryKubectl("wait", "--for=condition=Ready", "node/n3", "--timeout=1s")).status === 0,
    );
    await becomes("its rows are back", had, rowsOfNode);
    await eventually(
      "its old pod is gone",
      async () => (await cluster.tryKubectl("get", "pod", "-n", ns, "on-n3")).status !== 0,
    );
    await cluster.apply(podOn("n3"));
    await cluster.podsReady(ns, "on-n3");
    await everythingIsReached();
  });

  test("addresses that are added to a node leave it who it is, and its pods reach them all", async () => {
    const node = cluster.sandbox.host("n2");
    const identity = async () => [
      ...(await cluster.rows("Logical_Router_Port", "networks", "name=weft_gtoe_n2")),
      await node.exec(["ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:ovn-encap-ip"]),
    ];
    const before = await identity();
    const lines = [
      ...["172.30.0.120/32", "172.30.0.121/24"].map((address) => `addr add ${address} dev br-ex`),
      ...["fd00:172:30::120/128", "fd00:172:30::121/64"].map((one) => `addr add ${one} dev br-ex nodad`),
      "link add second type veth peer name other",
      "addr add 192.168.77.12/24 dev second",
      "link set other up",
      "link set second up",
    ];
    await node.exec(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
    await cluster.serveEcho("n2", 9001);
    const added = lines.flatMap((line) => line.match(/addr add ([^/]+)/)?.[1] ?? []);
    const questions = added.map((address): Question => ({ way: "tcp", address, port: 9001 }));
    await becomes("its pod reaches them", [], () => cluster.failures(`${ns}/on-n2`, questions));
    assert.deepEqual(await identity(), before);
    await everythingIsReached();
  });

  test("two default gateways share the way out, and one that goes is left out", async () => {
    const node = cluster.sandbox.host("n2");
    const inFabric = (...argv: readonly string[]) => run(inNetns(cluster.sandbox.layout.fabric.netns, argv));
    await inFabric("ip", "addr", "add", "172.30.0.9/24", "dev", "br0");
    await inFabric("ip", "addr", "add", "198.51.100.1/32", "dev", "lo");
    const leadingOut = async () =>
      (
        await cluster.rows(
          "Logical_Router_Static_Route",
          "nexthop",
          "ip_prefix=0.0.0.0/0",
          "output_port=weft_gtoe_n2",
        )
      ).toSorted();
    const ways = ["172.30.0.1", "172.30.0.9"];
    const through = (hops: readonly string[]) =>
      node.exec([
        "ip",
        "route",
        "replace",
        "default",
        ...hops.flatMap((hop) => ["nexthop", "via", hop, "dev", "br-ex"]),
      ]);
    await through(ways);
    await becomes("both lead out", ways, leadingOut);
    const question: Question = { way: "icmp", address: "198.51.100.1", port: 0 };
    const many = Array.from({ length: 8 }, () => question);
    await becomes("both work", [], () => cluster.failures(`${ns}/on-n2`, many));
    await inFabric("ip", "addr", "del", "172.30.0.9/24", "dev", "br0");
    await through(ways.slice(0, 1));
    await becomes("one leads out", ways.slice(0, 1), leadingOut);
    assert.deepEqual(await cluster.failures(`${ns}/on-n2`, many), []);
  });

  test("a node that comes back with another address is reached there, and so are its pods", async () => {
    const { processes } = cluster.sandbox;
    const node = cluster.sandbox.host("n3");
    const [old4, new4, old6, new6] = ["172.30.0.13", "172.30.0.33", "fd00:172:30::13", "fd00:172:30::33"];
    // As after a reboot. Otherwise ovn-controller's connection from the old address would have to time out first.
    const restarted = ["n3-vswitchd", "n3-ovn-controller", "n3-agent"];
    for (const name of [...restarted, "n3-runner"]) await processes.stop(name);
    const lines = [
      `addr del ${old4}/24 dev br-ex`,
      `addr del ${old6}/64 dev br-ex`,
      `addr add ${new4}/24 dev br-ex`,
      `addr add ${new6}/64 dev br-ex nodad`,
      "route replace default via 172.30.0.1 dev br-ex",
      "route replace default via fd00:172:30::1 dev br-ex",
    ];
    await node.exec(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
    const runner = processes.record("n3-runner");
    const argv = runner.argv.map((word) => word.replace(old4, new4).replace(old6, new6));
    await processes.launch({ ...runner, argv });
    for (const name of restarted) await processes.start(name);
    await becomes("the gateway router has the node's addresses", `${new4}/24 ${new6}/64`, async () =>
      (await cluster.rows("Logical_Router_Port", "networks", "name=weft_gtoe_n3")).join(),
    );
    await becomes("the node says so itself", `${new4} ${new6}`, () =>
      cluster.field("node", "", "n3", '{.status.addresses[?(@.type=="InternalIP")].address}'),
    );
    await eventually("status is healthy", async () => (await cluster.weft("status")).status === 0);
    await everythingIsReached();
  });
});
