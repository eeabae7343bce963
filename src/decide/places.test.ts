// Both implementations of Places follow one contract: they agree on everything that has been decided and written.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { clusterNetwork, defaultJoin } from "../config/ranges.ts";
import { emptyStore, storesOf } from "../kube/stores.ts";
import { annotations, namesOf } from "../model/names.ts";
import { PortRows } from "../observe/rowAddressesFixture.ts";
import { Api, aNode, aPod, settled } from "./decidedFixture.ts";
import { Decider } from "./decider.ts";
import { StatedPlaces } from "./places.ts";

const network = clusterNetwork({
  pods: ["10.244.0.0/16", "fd00:10:244::/48"],
  services: [],
  join: defaultJoin,
});

const statedIn = (api: Api): StatedPlaces => {
  const stores = storesOf(emptyStore);
  stores.Node.apply(api.nodes.map((object) => ({ type: "put", object })));
  return new StatedPlaces(stores);
};

test("what the objects state is what the decider has decided", async () => {
  const pods = fc.array(
    fc.record({
      node: fc.constantFrom("n1", "n2", "n3"),
      change: fc.constantFrom({}, { hostNetwork: true }, { phase: "Succeeded" as const }),
    }),
    { maxLength: 12 },
  );
  await fc.assert(
    fc.asyncProperty(pods, async (wanted) => {
      const api = new Api();
      api.put(...["n1", "n2", "n3"].map((name) => aNode(name, { internalIps: ["172.30.0.1"] })));
      api.put(...wanted.map(({ node, change }, index) => aPod(`p${index}`, { nodeName: node, ...change })));
      const decider = new Decider({
        network,
        names: namesOf("demo"),
        rows: new PortRows(),
        patch: api.patch,
      });
      await decider.adopt({ nodes: api.nodes, pods: api.pods, poolRows: [], nodeRows: [] });
      // The last node is not decided yet.
      for (const name of ["n1", "n2"]) await settled(() => decider.nodeLives.decide(api.node(name)));
      for (const pod of api.pods) await settled(() => decider.podLives.decide(api.pod(pod.name)));
      const stated = statedIn(api);
      for (const { name } of api.nodes) assert.deepEqual(stated.node(name), decider.node(name));
      assert.deepEqual([...stated.nodes()], [...decider.nodes()]);
      for (const pod of api.pods) {
        const { network: addresses, ownPort } = decider.pod(pod) ?? {};
        const place = stated.pod(pod);
        assert.deepEqual([place?.network, place?.ownPort], [addresses, ownPort], pod.name);
      }
    }),
    { numRuns: 100 },
  );
});

test("a pod that states an address outside its node, or an incomplete network, has no place", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const decider = new Decider({
    network,
    names: namesOf("demo"),
    rows: new PortRows(),
    patch: api.patch,
  });
  await decider.adopt({ nodes: api.nodes, pods: api.pods, poolRows: [], nodeRows: [] });
  await settled(() => decider.nodeLives.decide(api.node("n1")));
  await settled(() => decider.podLives.decide(api.pod("web-1")));
  const pod = api.pod("web-1");
  const stated = statedIn(api);
  assert.ok(stated.pod(pod));
  const networks = pod.annotations[annotations.podNetworks] ?? "";
  for (const lie of [
    networks.replace("10.244.0.3", "10.244.1.3"),
    networks.replace("10.244.0.3", "169.254.169.254"),
    networks.replace(/"mac_address":"[^"]*"/, '"mac_address":"0a:58:0a:f4:00:09"'),
    networks.replace('"gateway_ips":["10.244.0.1"', '"gateway_ips":["10.244.0.9"'),
    "{}",
  ]) {
    assert.notEqual(lie, networks);
    assert.equal(stated.pod({ ...pod, annotations: { [annotations.podNetworks]: lie } }), undefined, lie);
  }
});

test("a pod with a port that its node's pool offers has no port of its own", async () => {
  const api = new Api();
  const subnets = { [annotations.nodeSubnets]: '{"default":["10.244.0.0/24"]}', [annotations.nodeId]: "2" };
  const offer = { line: "ab", from: 0, generation: 1, asked: 1, open: [[5]], closed: [], withdrawn: [] };
  api.put(aNode("n1", { annotations: { ...subnets, [annotations.pool]: JSON.stringify(offer) } }));
  const stated = statedIn(api);
  const place = (offset: number) =>
    stated.pod(
      aPod("web-1", {
        annotations: {
          [annotations.podNetworks]: JSON.stringify({
            default: {
              ip_addresses: [`10.244.0.${offset}/24`],
              mac_address: `0a:58:0a:f4:00:0${offset}`,
              gateway_ips: ["10.244.0.1"],
            },
          }),
        },
      }),
    );
  assert.equal(place(5)?.ownPort, false);
  assert.equal(place(6)?.ownPort, true);
});
