// Policies of sizes and shapes that nobody means: 5,000 blocks, a megabyte, and every kind of nonsense. OVN takes what is
// made of them, they close rather than open, and other policies hold.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Session } from "../../src/ovsdb/index.ts";
import { plannedCase } from "../golden/plannedCase.ts";
import { factTransaction } from "../real/factTransaction.ts";
import { type OvnCentral, startOvnCentral } from "../real/ovnCentral.ts";

let central: OvnCentral;
let folder: string;
before(async () => {
  central = await startOvnCentral();
  folder = await mkdtemp(join(tmpdir(), "weft-bounds-"));
});
after(async () => {
  await central[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const many = 5_000;
/** The last one has the asking pod. */
const blocks = Array.from({ length: many }, (_, index) => ({
  ipBlock: { cidr: index === many - 1 ? "10.244.0.3/32" : `172.16.${index >> 8}.${index & 255}/32` },
}));
const policy = (name: string, spec: object): object => ({
  kind: "NetworkPolicy",
  metadata: { namespace: "shop", name },
  spec,
});
const of = (app: string, from: readonly unknown[], ports?: readonly unknown[]): object =>
  policy(app, { podSelector: { matchLabels: { app } }, ingress: [{ from, ...(ports && { ports }) }] });
/** Each selects the pods that are called like it. */
const policies = {
  blocks: of("blocks", blocks),
  megabyte: of("megabyte", [
    { ipBlock: { cidr: "10.244.0.3/32" } },
    { podSelector: { matchLabels: { app: "x".repeat(2 ** 20) } } },
  ]),
  operator: of("operator", [{ podSelector: { matchExpressions: [{ key: "app", operator: "Near" }] } }]),
  hostbits: of("hostbits", [{ ipBlock: { cidr: "10.244.0.99/24" } }]),
  outside: of("outside", [{ ipBlock: { cidr: "10.244.0.0/24", except: ["10.245.0.0/24"] } }]),
  portname: of("portname", [{ podSelector: {} }], [{ port: "x".repeat(300) }]),
  exceptions: of("exceptions", [
    {
      ipBlock: {
        cidr: "10.0.0.0/8",
        except: Array.from({ length: many }, (_, index) => `10.${index >> 8}.${index & 255}.1/32`),
      },
    },
  ]),
  sound: of("sound", [{ podSelector: { matchLabels: { app: "asks" } } }]),
} as const;
const passes: Readonly<Record<keyof typeof policies, boolean>> = {
  ...{ blocks: true, megabyte: true, hostbits: true, sound: true },
  ...{ operator: false, outside: false, portname: false, exceptions: false },
};

test("OVN takes them all, what makes no sense closes, and the others hold", {
  timeout: 120_000,
}, async () => {
  const pod = (name: string): object => ({
    kind: "Pod",
    metadata: { namespace: "shop", name, uid: name, labels: { app: name } },
    spec: { nodeName: "n1", containers: [{}] },
  });
  const objects = [
    { cluster: "bounds", pods: ["10.244.0.0/16"], services: ["10.96.0.0/16"] },
    {
      kind: "Node",
      metadata: { name: "n1", annotations: { "k8s.ovn.org/node-chassis-id": "chassis-n1" } },
      status: { addresses: [{ type: "InternalIP", address: "172.30.0.11" }] },
    },
    { kind: "Namespace", metadata: { name: "shop" } },
    ...["asks", ...Object.keys(passes)].map(pod),
    ...Object.values(policies),
  ];
  const file = join(folder, "bounds.yaml");
  await writeFile(file, objects.map((one) => JSON.stringify(one)).join("\n---\n"));
  const { plans } = await plannedCase(pathToFileURL(file));
  const facts = [...plans.values()].flat();
  const sets = facts.filter((fact) => fact.kind === "row" && fact.table === "Address_Set");
  assert.ok(sets.length < 50, `${sets.length} address sets: the blocks of a rule share theirs`);
  await using session = new Session({ remotes: [central.northbound.remote], database: "OVN_Northbound" });
  session.start();
  await session.connected();
  await session.transact(factTransaction(facts));
  await central.caughtUp();
  for (const [index, [name, isAllowed]] of Object.entries(passes).entries()) {
    const trace = await central.trace(
      "bounds_switch_n1",
      [
        `inport == "bounds_pod_shop_asks" && eth.src == 0a:58:0a:f4:00:03`,
        `eth.dst == 0a:58:0a:f4:00:${(4 + index).toString(16).padStart(2, "0")}`,
        `ip4.src == 10.244.0.3 && ip4.dst == 10.244.0.${4 + index} && ip.ttl == 64`,
        "tcp && tcp.src == 40000 && tcp.dst == 80",
      ].join(" && "),
      "--minimal",
      ...Array<string>(8).fill("--ct=new"),
    );
    assert.equal(trace.includes(`output("bounds_pod_shop_${name}")`), isAllowed, `${name}\n${trace}`);
  }
});
