import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCidr, parseInterfaceAddress, parseIp } from "../model/ip.ts";
import { annotations } from "../model/names.ts";
import {
  chassisIdOf,
  gatewayConfigAnnotation,
  gatewayConfigOf,
  hostCidrsAnnotation,
  hostCidrsOf,
  nodeIdAnnotation,
  nodeIdOf,
  nodeSubnetsAnnotation,
  nodeSubnetsOf,
  podNetworkAnnotation,
  podNetworkOf,
  poolOfferAnnotation,
  poolOfferOf,
  poolSeenOf,
} from "./annotations.ts";

const ip = (text: string) => parseIp(text) ?? assert.fail(text);
const cidr = (text: string) => parseCidr(text) ?? assert.fail(text);
const address = (text: string) => parseInterfaceAddress(text) ?? assert.fail(text);

const dual = {
  addresses: [address("10.244.1.5/24"), address("fd00:10:244:1::5/64")],
  mac: "0a:58:0a:f4:01:05",
  gateways: [ip("10.244.1.1"), ip("fd00:10:244:1::1")],
};

test("a pod's network survives being printed and parsed", () => {
  assert.deepEqual(podNetworkOf({ annotations: podNetworkAnnotation(dual) }), dual);
});

test("a pod's network reads as ovn-kubernetes prints it", () => {
  const single = { ...dual, addresses: dual.addresses.slice(0, 1), gateways: dual.gateways.slice(0, 1) };
  assert.deepEqual(podNetworkAnnotation(single), {
    "k8s.ovn.org/pod-networks":
      '{"default":{"ip_addresses":["10.244.1.5/24"],"mac_address":"0a:58:0a:f4:01:05","gateway_ips":["10.244.1.1"],"ip_address":"10.244.1.5/24","gateway_ip":"10.244.1.1"}}',
  });
  assert.equal(podNetworkAnnotation(dual)[annotations.podNetworks]?.includes('ip_address"'), false);
});

test("node id, subnets and gateway survive being printed and parsed", () => {
  const subnets = [cidr("10.244.3.0/24"), cidr("fd00:10:244:3::/64")];
  assert.deepEqual(nodeSubnetsOf({ annotations: nodeSubnetsAnnotation(subnets) }), subnets);
  assert.equal(nodeIdOf({ annotations: nodeIdAnnotation(17) }), 17);
  const gateway = {
    mac: "02:00:00:00:00:01",
    addresses: [address("172.30.0.11/24"), address("fd00:172:30::11/64")],
    nextHops: [ip("172.30.0.1"), ip("172.30.0.2"), ip("fe80::1")],
    mtuBytes: 1500,
  };
  const written = gatewayConfigAnnotation(gateway, { bridge: "br-ex", uplink: "eth0" });
  assert.deepEqual(gatewayConfigOf({ annotations: written }), gateway);
  const through = { ...gateway, throughHost: true as const };
  const local = gatewayConfigAnnotation(through, { bridge: "br-ex", uplink: "eth0" });
  assert.match(local["k8s.ovn.org/l3-gateway-config"] ?? "", /"mode":"local"/);
  assert.deepEqual(gatewayConfigOf({ annotations: local }), through);
  const hosts = [address("172.30.0.11/24"), address("169.254.20.10/32"), address("fd00:172:30::11/64")];
  assert.deepEqual(hostCidrsOf({ annotations: hostCidrsAnnotation(hosts) }), hosts);
});

test("more addresses than a node can have are not read, and neither is a list with a malformed one", () => {
  const flood = JSON.stringify(Array.from({ length: 1001 }, () => "172.30.0.11/24"));
  for (const text of [flood, '["172.30.0.11/24","172.30.0"]', '{"a":1}'])
    assert.deepEqual(hostCidrsOf({ annotations: { [annotations.hostCidrs]: text } }), []);
});

const hostile: readonly (readonly [string, string])[] = [
  ["not JSON", "{"],
  ["null", "null"],
  ["a list", "[]"],
  ["no default network", "{}"],
  ["no address", '{"default":{"ip_addresses":[],"mac_address":"0a:58:0a:f4:01:05"}}'],
  [
    "an address without its prefix",
    '{"default":{"ip_addresses":["10.244.1.5"],"mac_address":"0a:58:0a:f4:01:05"}}',
  ],
  [
    "two addresses of one family",
    '{"default":{"ip_addresses":["10.244.1.5/24","10.244.1.6/24"],"mac_address":"0a:58:0a:f4:01:05"}}',
  ],
  [
    "a MAC with a second address",
    '{"default":{"ip_addresses":["10.244.1.5/24"],"mac_address":"0a:58:0a:f4:01:05 10.0.0.1"}}',
  ],
  ["numbers", '{"default":{"ip_addresses":[4],"mac_address":1}}'],
];
for (const [what, text] of hostile) {
  test(`a pod annotation with ${what} is no network`, () => {
    assert.equal(podNetworkOf({ annotations: { [annotations.podNetworks]: text } }), undefined);
  });
}

test("ids outside of the range, and texts that only begin like one, are none", () => {
  for (const text of ["", "0", "1", "5001", "02", "3 ", "3x", "-3", "3.0", "1e3"]) {
    assert.equal(nodeIdOf({ annotations: { [annotations.nodeId]: text } }), undefined, text);
  }
});

test("subnets with host bits are none", () => {
  assert.equal(
    nodeSubnetsOf({ annotations: { [annotations.nodeSubnets]: '{"default":["10.244.3.7/24"]}' } }),
    undefined,
  );
});

test("a chassis id holds nothing that means something elsewhere", () => {
  const chassis = (text: string) => chassisIdOf({ annotations: { [annotations.nodeChassisId]: text } });
  assert.equal(chassis("9f4bb1b0-6a2c-4d0c-8b8e-2d9d0b7a1c11"), "9f4bb1b0-6a2c-4d0c-8b8e-2d9d0b7a1c11");
  for (const text of ["", "a,b", "a b", '"', "-a", "a\n"]) assert.equal(chassis(text), undefined, text);
});

test("an offer of ports is printed short, and read back as it was", () => {
  const offer = {
    line: "4f1c22",
    from: 3,
    generation: 7,
    asked: 5,
    open: [{ offset: 3, tag: 12 }],
    closed: [{ offset: 4, tag: undefined }],
    withdrawn: [],
  };
  const values = poolOfferAnnotation(offer);
  assert.deepEqual(values, {
    [annotations.pool]:
      '{"line":"4f1c22","from":3,"generation":7,"asked":5,"open":[[3,12]],"closed":[[4]],"withdrawn":[]}',
  });
  assert.deepEqual(poolOfferOf({ annotations: values }), offer);
});

const badOffers: readonly (readonly [what: string, text: string])[] = [
  [
    "one port twice",
    '{"line":"1","from":0,"generation":1,"asked":1,"open":[[3]],"closed":[[3]],"withdrawn":[]}',
  ],
  [
    "one tag twice",
    '{"line":"1","from":0,"generation":1,"asked":1,"open":[[3,7],[4,7]],"closed":[],"withdrawn":[]}',
  ],
  [
    "a tag that is none",
    '{"line":"1","from":0,"generation":1,"asked":1,"open":[[3,4095]],"closed":[],"withdrawn":[]}',
  ],
  [
    "the router's place",
    '{"line":"1","from":0,"generation":1,"asked":1,"open":[[1]],"closed":[],"withdrawn":[]}',
  ],
  ["no generation", '{"line":"1","from":0,"asked":1,"open":[],"closed":[],"withdrawn":[]}'],
];
for (const [what, text] of badOffers) {
  test(`an offer with ${what} is none`, () => {
    assert.equal(poolOfferOf({ annotations: { [annotations.pool]: text } }), undefined);
  });
}

test("no text makes a parser throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const everywhere = {
        annotations: Object.fromEntries(Object.values(annotations).map((key) => [key, text])),
      };
      const parsers = [
        podNetworkOf,
        nodeSubnetsOf,
        nodeIdOf,
        gatewayConfigOf,
        hostCidrsOf,
        chassisIdOf,
        poolOfferOf,
        poolSeenOf,
      ];
      for (const parse of parsers) parse(everywhere);
    }),
  );
});
