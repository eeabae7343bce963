import assert from "node:assert/strict";
import { test } from "node:test";
import { podNetworkOf } from "../../kube/annotations.ts";
import type { Node, Pod } from "../../kube/objects.ts";
import { namesOf } from "../../model/names.ts";
import { uidIn } from "../../model/portVersion.ts";
import type { Pods } from "../nouns/pods.ts";
import { AssignedAddresses } from "./assignedAddresses.ts";

const stating = (address: string, mac: string, gateway: string) => ({
  "k8s.ovn.org/pod-networks": JSON.stringify({
    default: { ip_addresses: [address], mac_address: mac, gateway_ips: [gateway] },
  }),
});
const truth = (offset: number) => stating(`10.244.1.${offset}/24`, `0a:58:0a:f4:01:0${offset}`, "10.244.1.1");
const network = (offset: number) => podNetworkOf({ annotations: truth(offset) }) ?? assert.fail();

const meta = { resourceVersion: "1", labels: {}, deletionTimestamp: undefined };
const node: Node = {
  ...meta,
  kind: "Node",
  namespace: "",
  name: "n1",
  uid: "node",
  annotations: { "k8s.ovn.org/node-subnets": '{"default":["10.244.1.0/24"]}' },
  internalIps: [],
  networkUnavailable: false,
  allocatable: { pods: 110, cpus: 4, memoryBytes: 8 * 2 ** 30 },
};
const nodes = { get: () => node, subscribe: () => () => undefined };

function podWith(uid: string, offset: number): Pod {
  return {
    ...meta,
    kind: "Pod",
    namespace: "shop",
    name: "web",
    uid,
    annotations: truth(offset),
    nodeName: "n1",
    hostNetwork: false,
    phase: "Pending",
    podIps: [],
  };
}

const attachment = { container: "c", ifname: "eth0" };

/** The API server's only pod, which the test replaces. */
class OnePod implements Pods {
  readonly lagging = false;
  readonly #listeners = new Set<() => void>();
  #pod: Pod | undefined;

  get(): Pod | undefined {
    return this.#pod;
  }

  become(pod: Pod | undefined): void {
    this.#pod = pod;
    for (const listener of this.#listeners) listener();
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

test("a claim waits for the annotation of the very pod, and is not that of its predecessor", async () => {
  const pods = new OnePod();
  pods.become(podWith("old", 4));
  const addresses = new AssignedAddresses({ pods, nodes, nodeName: "n1", names: namesOf("demo") });
  const wanted = { namespace: "shop", name: "web", uid: "new" };
  const claiming = addresses.claim(wanted, attachment, new AbortController().signal);
  pods.become({ ...podWith("new", 5), annotations: {} });
  pods.become(podWith("new", 5));
  const claim = await claiming;
  assert.equal(claim.portName, "demo_pod_shop_web");
  assert.deepEqual(claim.network, network(5));
});

test("a claim no longer holds when the pod is gone, is another, or was given other addresses", async () => {
  const pods = new OnePod();
  const pod = podWith("u", 5);
  pods.become(pod);
  const addresses = new AssignedAddresses({ pods, nodes, nodeName: "n1", names: namesOf("demo") });
  const claim = await addresses.claim(pod, attachment, new AbortController().signal);
  assert.equal(addresses.holds(claim), true);
  pods.become({ ...pod, resourceVersion: "2", phase: "Running" });
  assert.equal(addresses.holds(claim), true);
  for (const other of [podWith("v", 5), podWith("u", 6), undefined]) {
    pods.become(other);
    assert.equal(addresses.holds(claim), false);
  }
});

test("what no pod of the node can have is not taken, and does not disturb a claim", async () => {
  const lies = [
    stating("169.254.169.254/24", "0a:58:a9:fe:a9:fe", "169.254.169.1"),
    stating("10.244.2.5/24", "0a:58:0a:f4:02:05", "10.244.2.1"),
    stating("10.244.1.2/24", "0a:58:0a:f4:01:02", "10.244.1.1"),
    stating("10.244.1.5/16", "0a:58:0a:f4:01:05", "10.244.1.1"),
    stating("10.244.1.5/24", "0a:58:0a:f4:01:06", "10.244.1.1"),
    stating("10.244.1.5/24", "0a:58:0a:f4:01:05", "10.244.1.2"),
  ];
  for (const annotations of lies) {
    const pods = new OnePod();
    const lying = { ...podWith("u", 5), annotations };
    pods.become(lying);
    const addresses = new AssignedAddresses({ pods, nodes, nodeName: "n1", names: namesOf("demo") });
    const limit = new AbortController();
    const refused = assert.rejects(
      addresses.claim(lying, attachment, limit.signal),
      /pod shop\/web: its annotation k8s\.ovn\.org\/pod-networks is not the Weft controller's: /,
    );
    limit.abort();
    await refused;
    const claiming = addresses.claim(lying, attachment, new AbortController().signal);
    pods.become(podWith("u", 5));
    const claim = await claiming;
    assert.deepEqual(claim.network, network(5));
    pods.become(lying);
    assert.equal(addresses.holds(claim), true);
  }
});

test("the version of the port differs with the pod and with each of its addresses", async () => {
  const versions = [];
  for (const [uid, offset] of [
    ["u", 5],
    ["v", 5],
    ["u", 6],
  ] as const) {
    const pods = new OnePod();
    pods.become(podWith(uid, offset));
    const addresses = new AssignedAddresses({ pods, nodes, nodeName: "n1", names: namesOf("demo") });
    const wanted = { namespace: "shop", name: "web", uid };
    versions.push((await addresses.claim(wanted, attachment, new AbortController().signal)).portVersion);
  }
  assert.equal(new Set(versions).size, 3);
});

test("a static pod, which the runtime names by its file's hash, gets the network of its mirror", async () => {
  const pods = new OnePod();
  const mirror = podWith("uid-of-the-mirror", 5);
  const marks = { "kubernetes.io/config.hash": "0d5f", "kubernetes.io/config.mirror": "0d5f" };
  pods.become({ ...mirror, annotations: { ...mirror.annotations, ...marks } });
  const addresses = new AssignedAddresses({ pods, nodes, nodeName: "n1", names: namesOf("demo") });
  const wanted = { namespace: "shop", name: "web", uid: "0d5f" };
  const claim = await addresses.claim(wanted, attachment, new AbortController().signal);
  assert.deepEqual(claim.network, network(5));
  assert.equal(uidIn(claim.portVersion), "static-0d5f", "what the next mirror has too");
  assert.equal(addresses.holds(claim), true);
});
