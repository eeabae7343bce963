// Random worlds of pods and policies, planned, turned into logical flows by a real ovn-northd, and compared packet
// by packet: what ovn-trace says against a naive reading of the policies. WEFT_RUNS says how many worlds.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { annotations } from "../../src/model/names.ts";
import { Session } from "../../src/ovsdb/index.ts";
import { plannedCase } from "../golden/plannedCase.ts";
import { factTransaction } from "../real/factTransaction.ts";
import { type OvnCentral, startOvnCentral } from "../real/ovnCentral.ts";
import { clusterPolicyObject } from "./clusterPolicyWorld.ts";
import { allows, anyWorld, type PolicyWorld } from "./policyWorld.ts";
import { profileObject } from "./profileWorld.ts";
import type { Packet, Protocol } from "./worldPods.ts";

const worlds = Number(process.env["WEFT_RUNS"] ?? 3);
/** Of each world: these, from every pod to every other. */
const probes: readonly (readonly [Protocol, number])[] = [
  ["TCP", 80],
  ["UDP", 8080],
];

let central: OvnCentral;
let folder: string;
before(async () => {
  central = await startOvnCentral();
  folder = await mkdtemp(join(tmpdir(), "weft-policies-"));
});
after(async () => {
  await central[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

let count = 0;
test("OVN passes what a naive reading of the policies allows, and nothing else", { timeout: 3_600_000 }, () =>
  fc.assert(fc.asyncProperty(anyWorld, judge), { numRuns: worlds, endOnFailure: true }),
);

/** Each world is a cluster of its own in the same databases. */
async function judge(world: PolicyWorld): Promise<void> {
  const cluster = `w${++count}`;
  const file = join(folder, `${cluster}.yaml`);
  await writeFile(
    file,
    objectsOf(world, cluster)
      .map((one) => JSON.stringify(one))
      .join("\n---\n"),
  );
  const { plans } = await plannedCase(pathToFileURL(file));
  const facts = [...plans.values()].flat();
  const places = world.pods.map(({ namespace }, index) => {
    const port = `${cluster}_pod_${namespace}_p${index}`;
    const row = facts.find((fact) => fact.kind === "row" && fact.columns.get("name") === port);
    assert.ok(row?.kind === "row", port);
    const addresses = row.columns.get("addresses");
    const [mac = "", ip4 = "", ip6 = ""] = Array.isArray(addresses)
      ? addresses.map(String).join().split(" ")
      : [];
    return { port, mac, ip4, ip6 };
  });
  await using session = new Session({ remotes: [central.northbound.remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await session.transact(factTransaction(facts));
  await central.caughtUp();
  const ip4 = places.map((place) => place.ip4);
  for (const [from, source] of places.entries())
    for (const [to, target] of places.entries()) {
      if (from === to) continue;
      const [protocol, port] = probes[(from + to) % probes.length] ?? ["TCP", 80];
      const is4 = (from + 2 * to) % 3 !== 0;
      const packet: Packet = { from, to, protocol, port, ip4: is4 ? ip4 : undefined };
      const node = world.pods[from]?.node;
      const router = node === "n1" ? "0a:58:0a:f4:00:01" : "0a:58:0a:f4:01:01";
      const kind = protocol.toLowerCase();
      const trace = await central.trace(
        `${cluster}_switch_${node}`,
        [
          `inport == "${source.port}" && eth.src == ${source.mac} && eth.dst == ${router} && ip.ttl == 64`,
          is4
            ? `ip4.src == ${source.ip4} && ip4.dst == ${target.ip4}`
            : `ip6.src == ${source.ip6} && ip6.dst == ${target.ip6}`,
          `${kind} && ${kind}.src == 40000 && ${kind}.dst == ${port}`,
        ].join(" && "),
        "--minimal",
        ...Array<string>(8).fill("--ct=new"),
      );
      const passed = trace.includes(`output("${target.port}")`);
      assert.equal(passed, allows(world, packet), `${JSON.stringify(packet)}\n${trace}`);
    }
}

function objectsOf(world: PolicyWorld, cluster: string): readonly object[] {
  const rules = (list: PolicyWorld["policies"][number]["ingress"], side: "from" | "to") =>
    list?.map(({ peers, ports }) => ({ [side]: peers, ports }));
  return [
    { cluster, pods: ["10.244.0.0/16", "fd01::/48"], services: ["10.96.0.0/16", "fd02::/112"] },
    ...["n1", "n2"].map((name, index) => ({
      kind: "Node",
      metadata: { name, annotations: { "k8s.ovn.org/node-chassis-id": `chassis-${name}` } },
      status: { addresses: [{ type: "InternalIP", address: `172.30.0.1${index + 1}` }] },
    })),
    ...Object.entries(world.namespaces).map(([name, labels]) => ({
      kind: "Namespace",
      metadata: { name, labels },
    })),
    ...world.pods.map(({ namespace, node, labels, web, asks }, index) => ({
      kind: "Pod",
      metadata: {
        ...{ namespace, name: `p${index}`, uid: `p${index}`, labels },
        annotations: asks === undefined ? {} : { [annotations.securityProfiles]: asks },
      },
      spec: {
        nodeName: node,
        containers: [{ ports: web === undefined ? [] : [{ name: "web", containerPort: web }] }],
      },
    })),
    ...world.policies.map(({ namespace, podSelector, policyTypes, ingress, egress }, index) => ({
      kind: "NetworkPolicy",
      metadata: { namespace, name: `policy${index}` },
      spec: { podSelector, policyTypes, ingress: rules(ingress, "from"), egress: rules(egress, "to") },
    })),
    ...world.clusterPolicies.map(clusterPolicyObject),
    ...Object.entries(world.profiles).map(profileObject),
  ];
}
