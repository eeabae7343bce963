import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCidr } from "../model/ip.ts";
import { Interner } from "./intern.ts";
import type { Service } from "./objects.ts";
import { serviceOf } from "./project.ts";
import { unservedIn } from "./unserved.ts";
import { unservedInOverlay } from "./unservedInOverlay.ts";
import { unservedInUnderlay } from "./unservedInUnderlay.ts";

const otherRange =
  "a spec.podCIDR other than the subnet that Weft gave the node; nothing is broken by it, and kube-controller-manager gives nodes none with --allocate-node-cidrs=false";
const annotated = {
  annotations: { "k8s.ovn.org/node-subnets": '{"default":["10.244.1.0/24","fd00:1::/64"]}' },
};

const cases = [
  [
    "Pod",
    "a host port",
    { spec: { containers: [{}, { ports: [{ containerPort: 80, hostPort: 80 }] }] } },
    [],
  ],
  [
    "Pod",
    "annotations of other plugins",
    {
      metadata: {
        annotations: { "kubernetes.io/ingress-bandwidth": "1M", "k8s.v1.cni.cncf.io/networks": "other" },
      },
    },
    ["the bandwidth annotations", "more networks for a pod (k8s.v1.cni.cncf.io/networks)"],
  ],
  ...(
    [
      [
        "ranges that are its subnets, one of them written another way",
        ["10.244.1.0/24", "FD00:1:0::/64"],
        [],
      ],
      ["a range that is not its subnet", ["10.244.7.0/24"], [otherRange]],
      ["the range of another node, beside its own", ["10.244.1.0/24", "fd00:2::/64"], [otherRange]],
      ["a range that is none", ["nonsense"], [otherRange]],
      ["no range", [], []],
    ] as const
  ).map(
    ([what, podCIDRs, expected]) =>
      ["Node", what, { spec: { podCIDR: podCIDRs[0], podCIDRs }, metadata: annotated }, expected] as const,
  ),
  ["Node", "a range, before it has a subnet", { spec: { podCIDR: "10.244.7.0/24" } }, []],
  ["Pod", "what makes no sense", { spec: 7, metadata: [] }, []],
] as const;

for (const [kind, what, object, expected] of cases)
  test(`${kind}, ${what}: ${expected.join(", ") || "all of it is served"}`, () => {
    assert.deepEqual(unservedIn(kind, object), expected);
  });

const serviceWith = (spec: object): Service => {
  const metadata = { namespace: "shop", name: "web", uid: "u", resourceVersion: "1" };
  return serviceOf({ metadata, spec }, new Interner()) ?? assert.fail();
};

test("in overlay mode a Service's address outside of the configured ranges is none for nodes", () => {
  const configured = ["10.96.0.0/16", "fd00:10:96::/112"].flatMap((text) => parseCidr(text) ?? []);
  const asked = (...clusterIPs: readonly string[]) =>
    unservedInOverlay(configured)(serviceWith({ clusterIPs, ports: [{ port: 80 }] }));
  assert.deepEqual(asked("10.96.0.10", "fd00:10:96::a"), []);
  assert.deepEqual(asked("None"), []);
  assert.deepEqual(asked("203.0.113.10", "fd00:10:96::a"), [
    "its address 203.0.113.10 for nodes' own processes and ports of nodes, outside of --service-cidr",
  ]);
});

test("in underlay mode a node port does not keep the client, and a machine's processes have no endpoints of their own", () => {
  const asked = (spec: object): readonly string[] => unservedInUnderlay(serviceWith(spec));
  const ports = [{ port: 80, nodePort: 30_080 }];
  assert.deepEqual(asked({ type: "NodePort", ports }), []);
  assert.deepEqual(asked({ type: "NodePort", ports, externalTrafficPolicy: "Local" }), [
    "externalTrafficPolicy: Local in underlay mode: its ports lead nowhere",
  ]);
  assert.deepEqual(asked({ type: "LoadBalancer", ports: [{ port: 80 }] }), []);
  assert.deepEqual(asked({ internalTrafficPolicy: "Local", ports: [{ port: 80 }] }), [
    "internalTrafficPolicy: Local for a machine's own processes in underlay mode",
  ]);
});
