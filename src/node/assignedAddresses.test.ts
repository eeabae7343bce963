import assert from "node:assert/strict";
import { test } from "node:test";
import { podNetworkAnnotation, podNetworkOf } from "../kube/annotations.ts";
import type { Pod } from "../kube/objects.ts";
import { namesOf } from "../model/names.ts";
import { AssignedAddresses } from "./assignedAddresses.ts";
import type { Pods } from "./nouns/pods.ts";

const network = (address: string) =>
  podNetworkOf({
    annotations: {
      "k8s.ovn.org/pod-networks": JSON.stringify({
        default: {
          ip_addresses: [`${address}/24`],
          mac_address: "0a:58:0a:f4:01:05",
          gateway_ips: ["10.244.1.1"],
        },
      }),
    },
  });

function podWith(uid: string, address: string): Pod {
  const stated = network(address);
  return {
    kind: "Pod",
    namespace: "shop",
    name: "web",
    uid,
    resourceVersion: "1",
    labels: {},
    annotations: stated ? podNetworkAnnotation(stated) : {},
    deletionTimestamp: undefined,
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
  pods.become(podWith("old", "10.244.1.4"));
  const addresses = new AssignedAddresses(pods, namesOf("demo"));
  const wanted = { namespace: "shop", name: "web", uid: "new" };
  const claiming = addresses.claim(wanted, attachment, new AbortController().signal);
  pods.become({ ...podWith("new", "10.244.1.5"), annotations: {} });
  pods.become(podWith("new", "10.244.1.5"));
  const claim = await claiming;
  assert.equal(claim.portName, "demo_pod_shop_web");
  assert.deepEqual(claim.network, network("10.244.1.5"));
});

test("a claim no longer holds when the pod is gone, is another, or was given other addresses", async () => {
  const pods = new OnePod();
  const pod = podWith("u", "10.244.1.5");
  pods.become(pod);
  const addresses = new AssignedAddresses(pods, namesOf("demo"));
  const claim = await addresses.claim(pod, attachment, new AbortController().signal);
  assert.equal(addresses.holds(claim), true);
  pods.become({ ...pod, resourceVersion: "2", phase: "Running" });
  assert.equal(addresses.holds(claim), true);
  for (const other of [
    podWith("v", "10.244.1.5"),
    podWith("u", "10.244.1.6"),
    { ...pod, annotations: {} },
    undefined,
  ]) {
    pods.become(other);
    assert.equal(addresses.holds(claim), false);
  }
});

test("a static pod, which the runtime names by its file's hash, gets the network of its mirror", async () => {
  const pods = new OnePod();
  const mirror = podWith("uid-of-the-mirror", "10.244.1.5");
  pods.become({ ...mirror, annotations: { ...mirror.annotations, "kubernetes.io/config.hash": "hash" } });
  const addresses = new AssignedAddresses(pods, namesOf("demo"));
  const wanted = { namespace: "shop", name: "web", uid: "hash" };
  const claim = await addresses.claim(wanted, attachment, new AbortController().signal);
  assert.deepEqual(claim.network, network("10.244.1.5"));
  assert.equal(claim.portVersion, "uid-of-the-mirror", "the controller knows no other");
  assert.equal(addresses.holds(claim), true);
});
