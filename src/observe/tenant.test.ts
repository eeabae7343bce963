import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCidr } from "../model/ip.ts";
import { ownership } from "../model/names.ts";
import { TenantView } from "./tenant.ts";

/** A view of a database with the tenant's router, and what it has told. `change` tells it what changed. */
function world() {
  const others = new Map<string, string>();
  const own = new Map([[ownership.cluster, "demo"]]);
  const port = (name: string, network: string, ids = others) =>
    [
      name,
      {
        ...{ _uuid: name, name, networks: [network], external_ids: ids },
        gateway_chassis: name === "hosts" ? ["chassis"] : [],
      },
    ] as const;
  const switchPort = (name: string, type: string, options: Readonly<Record<string, string>>) =>
    [
      name,
      {
        ...{ _uuid: name, name, type, addresses: [], external_ids: others },
        options: new Map(Object.entries(options)),
      },
    ] as const;
  const tables: Record<string, ReadonlyMap<string, object>> = {
    Logical_Router: new Map([["r", { _uuid: "r", name: "tenant", ports: ["vms", "hosts", "pods"] }]]),
    Logical_Router_Port: new Map([
      port("vms", "192.168.0.1/24"),
      port("hosts", "172.32.0.1/16"),
      port("pods", "10.200.0.1/24", own),
      port("elsewhere", "10.0.0.1/8"),
    ]),
    Logical_Switch: new Map([["outside", { _uuid: "outside", ports: ["to-router", "wire"] }]]),
    Logical_Switch_Port: new Map([
      switchPort("to-router", "router", { "router-port": "hosts", "nat-addresses": "router" }),
      switchPort("wire", "localnet", { network_name: "physnet" }),
    ]),
  };
  let change: (changes: readonly object[]) => void = () => undefined;
  const replica = {
    table: (name: string) => tables[name],
    subscribe: (listener: typeof change) => (change = listener),
  };
  const view = new TenantView(replica as never, "demo", "tenant");
  const told: string[] = [];
  view.subscribe({ tenant: () => told.push("tenant"), machine: () => told.push("machine") });
  return { view, told, tell: (one: object) => change([one]) };
}

test("the tenant's networks are those of its router's ports, except this cluster's own", () => {
  const networks = world().view.tenant()?.networks ?? [];
  assert.deepEqual(networks.map(formatCidr), ["192.168.0.0/24", "172.32.0.0/16"]);
});

test("the tenant's gateways are those ports of its router that are on one hypervisor at a time", () => {
  const gateways = world().view.tenant()?.gateways ?? [];
  assert.deepEqual(
    gateways.map((gateway) => ({ ...gateway, networks: gateway.networks.map(formatCidr) })),
    [
      {
        ...{ port: "hosts", networks: ["172.32.0.0/16"], switches: ["outside"] },
        ...{ physicalNetworks: ["physnet"], isAnnounced: true },
      },
    ],
  );
});

test("another network on a port of the router is news of the tenant, one on another router is not", () => {
  for (const [uuid, expected] of [
    ["hosts", ["tenant"]],
    ["elsewhere", []],
  ] as const) {
    const { told, tell } = world();
    const row = { external_ids: new Map() };
    tell({ table: "Logical_Router_Port", uuid, old: row, new: row });
    assert.deepEqual(told, expected, uuid);
  }
});

test("a router that gets or loses the tenant's name is news of the tenant", () => {
  const { told, tell } = world();
  tell({ table: "Logical_Router", uuid: "x", old: { name: "tenant" }, new: { name: "old" } });
  tell({ table: "Logical_Router", uuid: "x", old: { name: "old" }, new: { name: "tenant" } });
  tell({ table: "Logical_Router", uuid: "x", old: { name: "other" }, new: { name: "old" } });
  assert.deepEqual(told, ["tenant", "tenant"]);
});
