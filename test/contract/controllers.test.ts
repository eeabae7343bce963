// What the sandbox's controllers promise, against a real API server and with a real node: what kubectl's users see of
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

test("what is made in a namespace of an old one's name stays", async () => {
  const configMap = (metadata: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "again" } };
  await create(namespace, configMap({ name: "held", namespace: "again", finalizers: ["weft.io/hold"] }));
  await cluster.ok(["delete", "namespace", "again", "--wait=false"]);
  const deletion = () => get("configmap held", "{.metadata.deletionTimestamp}", "again");
  await eventually("the controller empties it", async () => (await deletion()) !== "");
  // While the controller sleeps, the namespace is gone and there again; it wakes with the old one in mind.
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
