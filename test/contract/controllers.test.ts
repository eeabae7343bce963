// What the sandbox's controllers promise, tested with a real API server and a real node: what users of kubectl see of
// scheduling, Services, rollouts and deletions.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startCluster, type TestCluster } from "./runnerCluster.ts";

let cluster: TestCluster;
before(async () => {
  cluster = await startCluster("controllers");
  await cluster.installNetwork();
});
after(() => cluster[Symbol.asyncDispose]());

const get = async (what: string, path: string, namespace = "default"): Promise<string> =>
  (await cluster.kubectl(["get", "-n", namespace, ...what.split(" "), "-o", `jsonpath=${path}`])).stdout;
const create = (...objects: readonly object[]) =>
  cluster.ok(["create", "-f", "-"], objects.map((object) => JSON.stringify(object)).join("\n"));
const pod = (name: string, labels: object, spec: object = {}, container: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels },
  spec: { containers: [{ name: "main", image: "any", ...container }], ...spec },
});
const service = (name: string, spec: object) => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name },
  spec,
});
const slicesOf = async (name: string) => {
  const selector = `kubernetes.io/service-name=${name}`;
  const { items } = JSON.parse(await cluster.ok(["get", "endpointslices", "-l", selector, "-o", "json"]));
  return items as {
    readonly metadata: { readonly name: string; readonly labels: Readonly<Record<string, string>> };
    readonly addressType: string;
    readonly ports: readonly { readonly port: number }[];
    readonly endpoints: readonly {
      readonly conditions: {
        readonly ready: boolean;
        readonly serving: boolean;
        readonly terminating: boolean;
      };
      readonly hostname?: string;
      readonly targetRef?: { readonly name: string };
    }[];
  }[];
};
const rollout = (name: string) => cluster.ok(["rollout", "status", `deployment/${name}`, "--timeout=60s"]);

test("a pod waits for a node that it fits on, is told why, and goes there when there is one", async () => {
  await create(pod("picky", {}, { nodeSelector: { disk: "fast" } }));
  const condition = "{.status.conditions[?(@.type=='PodScheduled')].message}";
  const why = "0/1 nodes are available: 1 node(s) didn't match Pod's node selector.";
  await eventually("it is told why", async () => (await get("pod picky", condition)) === why);
  await cluster.ok(["label", "node", "n1", "disk=fast"]);
  await cluster.ok(["wait", "--for=condition=Ready", "pod/picky", "--timeout=60s"]);
  await cluster.ok(["delete", "pod", "picky"]);
});

test("a cordoned node gets no pods", async () => {
  await cluster.ok(["cordon", "n1"]);
  await create(pod("waiting", {}));
  const condition = "{.status.conditions[?(@.type=='PodScheduled')].reason}";
  await eventually("it waits", async () => (await get("pod waiting", condition)) === "Unschedulable");
  await cluster.ok(["uncordon", "n1"]);
  await cluster.ok(["wait", "--for=condition=Ready", "pod/waiting", "--timeout=60s"]);
  await cluster.ok(["delete", "pod", "waiting"]);
});

test("a Service's slices follow its pods, with a slice for each number a port name stands for", async () => {
  const ports = [{ port: 80, targetPort: "http" }];
  await create(
    service("web", { selector: { app: "web" }, ports, ipFamilyPolicy: "PreferDualStack" }),
    pod("web-1", { app: "web" }, {}, { ports: [{ name: "http", containerPort: 8080 }] }),
    pod("web-2", { app: "web" }, {}, { ports: [{ name: "http", containerPort: 9090 }] }),
  );
  const shape = async () =>
    (await slicesOf("web"))
      .map(({ addressType, ports, endpoints }) =>
        [addressType, ports[0]?.port, endpoints.filter(({ conditions }) => conditions.ready).length].join(
          " ",
        ),
      )
      .sort((a, b) => a.localeCompare(b));
  const wanted = ["IPv4 8080 1", "IPv4 9090 1", "IPv6 8080 1", "IPv6 9090 1"];
  await eventually("four slices", async () => (await shape()).join() === wanted.join());
  await cluster.ok(["delete", "pod", "web-2"]);
  await eventually("two slices", async () => (await shape()).join() === "IPv4 8080 1,IPv6 8080 1");
});

test("a pod on its way out serves but is not ready", async () => {
  const command = ["sh", "-c", "trap 'sleep 2; exit 0' TERM; sleep 1000 & wait"];
  await create(
    service("slow", { selector: { app: "slow" }, ports: [{ port: 80 }] }),
    pod("slow", { app: "slow" }, {}, { command }),
  );
  const state = async () => {
    const conditions = (await slicesOf("slow"))[0]?.endpoints[0]?.conditions;
    return conditions && [conditions.ready, conditions.serving, conditions.terminating].join();
  };
  await eventually("it is ready", async () => (await state()) === "true,true,false");
  await cluster.ok(["delete", "pod", "slow", "--wait=false"]);
  await eventually("it serves to the end", async () => (await state()) === "false,true,true");
  await eventually("it is gone", async () => (await state()) === undefined);
});

test("slices made by hand, and Services without a selector, are left alone", async () => {
  const labels = { "kubernetes.io/service-name": "web" };
  const byHand = {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: "by-hand", labels },
    addressType: "IPv4",
    ports: [{ port: 1 }],
    endpoints: [{ addresses: ["192.0.2.1"] }],
  };
  await create(byHand, service("outside", { ports: [{ port: 80 }] }));
  await cluster.ok(["label", "pod", "web-1", "app=other", "--overwrite"]);
  await eventually("the pod has left the controller's slices", async () =>
    (await slicesOf("web")).every(
      (slice) => slice.metadata.name === "by-hand" || slice.endpoints.length === 0,
    ),
  );
  assert.equal(await get("endpointslice by-hand", "{.endpoints[0].addresses[0]}"), "192.0.2.1");
  assert.deepEqual(await slicesOf("outside"), []);
  await cluster.ok(["delete", "service", "web"]);
  await eventually(
    "the Service's own slices go with it",
    async () => (await slicesOf("web")).map(({ metadata }) => metadata.name).join() === "by-hand",
  );
});

test("a Deployment rolls out, rolls back, scales, and takes its pods with it", async () => {
  await cluster.ok(["create", "deployment", "app", "--image=one", "--replicas=3"]);
  await rollout("app");
  const pods = () => get("pods -l app=app", "{.items[*].metadata.name}");
  const first = await pods();
  await cluster.ok(["set", "image", "deployment/app", "*=two"]);
  await rollout("app");
  await eventually("all pods are new", async () => {
    const names = (await pods()).split(" ");
    return names.length === 3 && names.every((name) => !first.includes(name));
  });
  assert.equal(await get("pods -l app=app", "{.items[*].spec.containers[0].image}"), "two two two");
  await cluster.ok(["rollout", "undo", "deployment/app"]);
  await rollout("app");
  assert.equal(
    await get(
      "replicasets -l app=app",
      "{.items[?(@.spec.replicas==3)].spec.template.spec.containers[0].image}",
    ),
    "one",
  );
  assert.match(await cluster.ok(["rollout", "history", "deployment/app"]), /^2 .*\n3 /m);
  await cluster.ok(["scale", "deployment/app", "--replicas=1"]);
  await eventually("one pod is left", async () => (await pods()).split(" ").length === 1);
  await cluster.ok(["delete", "deployment", "app"]);
  await eventually("none is left", async () => (await pods()) === "");
});

test("a pod of a ReplicaSet that goes is replaced", async () => {
  await cluster.ok(["create", "deployment", "kept", "--image=any"]);
  await rollout("kept");
  const name = await get("pods -l app=kept", "{.items[0].metadata.name}");
  await cluster.ok(["delete", "pod", name]);
  await eventually("another has come", async () => {
    const now = await get("pods -l app=kept", "{.items[*].metadata.name}");
    return now !== "" && !now.includes(name);
  });
  await cluster.ok(["delete", "deployment", "kept"]);
});

const template = (app: string, container: object = {}, spec: object = {}) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "main", image: "any", ...container }],
    ...spec,
  },
});
const workload = (kind: string, name: string, spec: object) => ({
  apiVersion: "apps/v1",
  kind,
  metadata: { name },
  spec: { selector: { matchLabels: { app: name } }, ...spec },
});
const namesOf = async (app: string) =>
  (await get(`pods -l app=${app}`, "{.items[*].metadata.name}")).split(" ");

test("a StatefulSet's pods have stable names, come in order, are rolled over and go from the end", async () => {
  const probe = { tcpSocket: { port: 8080 }, periodSeconds: 1 };
  const spec = { replicas: 2, serviceName: "db", template: template("db", { readinessProbe: probe }) };
  await create(
    service("db", { clusterIP: "None", selector: { app: "db" }, ports: [{ port: 8080 }] }),
    workload("StatefulSet", "db", spec),
  );
  await cluster.ok(["rollout", "status", "statefulset/db", "--timeout=60s"]);
  assert.deepEqual(await namesOf("db"), ["db-0", "db-1"]);
  const born = async (name: string) => get(`pod ${name}`, "{.status.startTime} {.metadata.uid}");
  const readySince = "{.status.conditions[?(@.type=='Ready')].lastTransitionTime}";
  assert.ok((await get("pod db-0", readySince)) <= (await get("pod db-1", "{.metadata.creationTimestamp}")));
  assert.equal(await get("pod db-1", "{.spec.hostname}.{.spec.subdomain}"), "db-1.db");
  const hostnames = () =>
    slicesOf("db").then(([slice]) => slice?.endpoints.map(({ hostname }) => hostname).sort());
  assert.deepEqual(await hostnames(), ["db-0", "db-1"]);
  const before = [await born("db-0"), await born("db-1")];
  await cluster.ok(["delete", "pod", "db-0"]);
  await cluster.ok(["rollout", "status", "statefulset/db", "--timeout=60s"]);
  assert.notEqual(await born("db-0"), before[0]);
  assert.equal(await born("db-1"), before[1]);
  await cluster.ok(["set", "image", "statefulset/db", "main=two"]);
  await cluster.ok(["rollout", "status", "statefulset/db", "--timeout=60s"]);
  assert.equal(await get("pods -l app=db", "{.items[*].spec.containers[0].image}"), "two two");
  await cluster.ok(["scale", "statefulset/db", "--replicas=1"]);
  await eventually("the last is gone", async () => (await namesOf("db")).join() === "db-0");
  await cluster.ok(["delete", "statefulset", "db"]);
  await eventually("none is left", async () => (await namesOf("db")).join() === "");
});

test("a DaemonSet has a pod on each node that it tolerates, and rolls over", async () => {
  const node = (name: string, spec: object) => ({ apiVersion: "v1", kind: "Node", metadata: { name }, spec });
  const taint = { key: "dedicated", value: "x", effect: "NoSchedule" };
  await create(node("cordoned", { unschedulable: true }), node("tainted", { taints: [taint] }));
  await create(workload("DaemonSet", "every", { template: template("every") }));
  const places = async () =>
    (await get("pods -l app=every", "{.items[*].spec.nodeName}")).split(" ").toSorted().join();
  await eventually("it is on two nodes", async () => (await places()) === "cordoned,n1");
  const tolerations = [{ key: "dedicated", operator: "Exists" }];
  const patch = { spec: { template: { spec: { tolerations } } } };
  await cluster.ok(["patch", "daemonset", "every", "-p", JSON.stringify(patch)]);
  await eventually("it is on all nodes", async () => (await places()) === "cordoned,n1,tainted");
  await cluster.ok(["delete", "node", "cordoned", "tainted"]);
  await cluster.ok(["rollout", "status", "daemonset/every", "--timeout=60s"]);
  assert.equal(await places(), "n1");
  await cluster.ok(["set", "image", "daemonset/every", "main=two"]);
  await cluster.ok(["rollout", "status", "daemonset/every", "--timeout=60s"]);
  assert.equal(await get("pods -l app=every", "{.items[*].spec.containers[0].image}"), "two");
  await cluster.ok(["delete", "daemonset", "every"]);
});

test("a Job runs to its completions, each index once, or fails at its limit", async () => {
  const job = (name: string, script: string, spec: object) => ({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name },
    spec: {
      ...spec,
      template: template(name, { command: ["sh", "-c", script] }, { restartPolicy: "Never" }),
    },
  });
  const indexed = { completions: 3, parallelism: 2, completionMode: "Indexed" };
  await create(
    job("count", "echo $JOB_COMPLETION_INDEX", indexed),
    job("once", "echo done", {}),
    job("fails", "exit 3", { backoffLimit: 1 }),
    job("late", "sleep 1000", { activeDeadlineSeconds: 1 }),
    job("brief", "true", { ttlSecondsAfterFinished: 1 }),
  );
  await cluster.ok(["wait", "--for=condition=Complete", "job/count", "job/once", "--timeout=60s"]);
  await cluster.ok(["wait", "--for=condition=Failed", "job/fails", "job/late", "--timeout=60s"]);
  assert.equal(await get("job count", "{.status.succeeded} {.status.completedIndexes}"), "3 0-2");
  assert.deepEqual((await cluster.ok(["logs", "-l", "job-name=count"])).trim().split("\n").toSorted(), [
    "0",
    "1",
    "2",
  ]);
  assert.equal(await cluster.ok(["logs", "job/once"]), "done\n");
  const reason = "{.status.conditions[?(@.type=='Failed')].reason}";
  assert.equal(await get("job fails", `{.status.failed} ${reason}`), "2 BackoffLimitExceeded");
  assert.equal(await get("job late", reason), "DeadlineExceeded");
  await eventually(
    "the brief one is gone",
    async () => (await cluster.kubectl(["get", "job", "brief"])).code !== 0,
  );
  await cluster.ok(["delete", "jobs", "--all"]);
  await eventually(
    "their pods are gone",
    async () => (await get("pods -l job-name", "{.items[*].kind}")) === "",
  );
});

test("drain evicts what a disruption budget lets go, and waits for what it does not", async () => {
  await create(
    workload("Deployment", "guarded", { replicas: 2, template: template("guarded") }),
    workload("DaemonSet", "stays", { template: template("stays") }),
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata: { name: "guard" },
      spec: { maxUnavailable: 1, selector: { matchLabels: { app: "guarded" } } },
    },
  );
  await rollout("guarded");
  await cluster.ok(["rollout", "status", "daemonset/stays", "--timeout=60s"]);
  await eventually(
    "one may go",
    async () => (await get("pdb guard", "{.status.disruptionsAllowed}")) === "1",
  );
  const drain = ["drain", "n1", "--ignore-daemonsets", "--force", "--pod-selector=app in (guarded,stays)"];
  const held = await cluster.kubectl([...drain, "--timeout=3s"]);
  assert.notEqual(held.code, 0);
  assert.match(held.stderr, /would violate the pod's disruption budget/);
  const running = "--field-selector=spec.nodeName=n1";
  assert.equal((await get(`pods -l app=guarded ${running}`, "{.items[*].kind}")).split(" ").length, 1);
  await cluster.ok(["delete", "pdb", "guard"]);
  await cluster.ok([...drain, "--timeout=60s"]);
  assert.equal(await get(`pods -l app=guarded ${running}`, "{.items[*].kind}"), "");
  assert.equal(await get("pods -l app=stays", "{.items[*].status.phase}"), "Running");
  await cluster.ok(["uncordon", "n1"]);
  await rollout("guarded");
  await cluster.ok(["delete", "deployment/guarded", "daemonset/stays"]);
});

test("a namespace goes when everything in it is gone, pods with their grace first", async () => {
  await cluster.ok(["create", "namespace", "shop"]);
  await cluster.ok(["create", "deployment", "app", "-n", "shop", "--image=any", "--replicas=2"]);
  await cluster.ok(["expose", "deployment", "app", "-n", "shop", "--port=80"]);
  await cluster.ok(["rollout", "status", "deployment/app", "-n", "shop", "--timeout=60s"]);
  await cluster.ok(["delete", "namespace", "shop", "--timeout=60s"]);
  const left = await cluster.kubectl([
    "get",
    "pods,services,deployments,replicasets,endpointslices",
    "-n",
    "shop",
    "-o",
    "name",
  ]);
  assert.equal(left.stdout, "");
});

test("what is created in a new namespace of an old name stays", async () => {
  const configMap = (metadata: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "again" } };
  await create(namespace, configMap({ name: "held", namespace: "again", finalizers: ["weft.io/hold"] }));
  await cluster.ok(["delete", "namespace", "again", "--wait=false"]);
  const deletion = () => get("configmap held", "{.metadata.deletionTimestamp}", "again");
  await eventually("the controller empties it", async () => (await deletion()) !== "");
  // While the controller sleeps, the namespace is deleted and created again. The controller wakes with the old one in
  // mind.
  cluster.signal("controllers", "SIGSTOP");
  const patch = ["--type=merge", "-p", '{"metadata":{"finalizers":null}}'];
  await cluster.ok(["patch", "configmap", "held", "-n", "again", ...patch]);
  const freed = JSON.stringify({ ...namespace, spec: {} });
  await cluster.ok(["replace", "--raw", "/api/v1/namespaces/again/finalize", "-f", "-"], freed);
  await create(namespace, configMap({ name: "mine", namespace: "again" }));
  cluster.signal("controllers", "SIGCONT");
  await cluster.ok(["create", "namespace", "last"]);
  await cluster.ok(["delete", "namespace", "last", "--timeout=60s"]);
  assert.equal(await get("configmap mine", "{.metadata.name}", "again"), "mine");
  await cluster.ok(["delete", "namespace", "again", "--timeout=60s"]);
});

test("the pods of a node that is deleted go, and the runner takes them down", async () => {
  const uid = await get("pod web-1", "{.metadata.uid}");
  await cluster.ok(["delete", "node", "n1"]);
  await eventually(
    "the pod is gone",
    async () => (await cluster.kubectl(["get", "pod", "web-1"])).code !== 0,
  );
  await eventually("its network is gone", async () => !(await cluster.holdsPod(uid)));
});
