// Floating addresses in underlay mode: they are the cloud's. The tenant's router translates them where it leaves the cloud; the
// physical machine is outside, on the network of that port.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { machineNetwork } from "../../sandbox/cloud/tenant.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod } from "./manifests.ts";

const ns = "front";
const asks = (address: string, way: Question["way"] = "tcp", port = 8080): Question => ({
  ...{ way, address, port },
});

suite("floating addresses in underlay mode", suiteLimit, () => {
  let cluster: Cluster;
  let ips: readonly string[];

  const floating = (name: string, spec: object): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "FloatingAddress" },
    ...{ metadata: { namespace: ns, name }, spec },
  });
  const given = (name: string, path: string): Promise<string> =>
    cluster.field("floatingaddress", ns, name, `{.status.${path}}`);
  const ready = (name: string): Promise<string> => given(name, 'conditions[?(@.type=="Ready")].reason');
  const heard = async (from: string, question: Question): Promise<string> => {
    const [result] = await cluster.ask(from, [question], 1);
    const [by, , source] = (result?.words ?? "").split(" ");
    return result?.ok ? `${by} sees ${source}` : "silence";
  };
  const hears = (from: string, question: Question, wanted: string): Promise<void> =>
    becomes(`${from} ▶ ${question.way} ${question.address}: ${wanted}`, wanted, () => heard(from, question));
  const sourceOf = async (name: string, family: number): Promise<string> => {
    const machine = cluster.hostAddresses("machine")[family] ?? "";
    const [result] = await cluster.ask(`${ns}/${name}`, [asks(machine, "tcp", 7000)]);
    return (result?.words ?? "").split(" ")[2] ?? "";
  };
  const ownOf = async (name: string, family: number): Promise<string> =>
    (await cluster.addressesOf(ns, name))[family] ?? "";

  before(async () => {
    cluster = await Cluster.up({ name: "testfloatu", mode: "underlay" });
    const [near4, near6] = [machineNetwork.prefix[4], machineNetwork.prefix[6]];
    await cluster.serveEcho("machine", 7000);
    await cluster.apply(
      namespace(ns),
      {
        ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name: "near" } },
        spec: { addresses: [`${near4}200-${near4}220`, `${near6}200-${near6}220`] },
      },
      ...["a", "b"].map((name, at) => pod({ namespace: ns, name: `web-${name}`, node: `n${at + 1}` })),
      pod({ namespace: ns, name: "client", node: "n1" }),
      floating("one", { podName: "web-a" }),
    );
    await cluster.podsReady(ns);
    ips = await eventually("it has two addresses", async () => {
      const found = (await given("one", "addresses[*]")).split(" ").filter(Boolean);
      return found.length === 2 && found;
    });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("a machine outside reaches the pod, which sees it, and what the pod sends there has the address as its source", async () => {
    await becomes("it is ready", "Serving", () => ready("one"));
    for (const [family, ip] of ips.entries()) {
      for (const way of ["tcp", "udp"] as const)
        await hears("machine", asks(ip, way), `web-a sees ${cluster.hostAddresses("machine")[family]}`);
      await becomes(`web-a is ${ip} outside`, ip, () => sourceOf("web-a", family));
      assert.equal(await sourceOf("client", family), await ownOf("client", family), "others are themselves");
    }
  });

  test("pods, nodes and the tenant's machines reach it", async () => {
    for (const [family, ip] of ips.entries()) {
      await hears(`${ns}/client`, asks(ip), `web-a sees ${await ownOf("client", family)}`);
      await hears(`${ns}/web-b`, asks(ip, "udp"), `web-a sees ${await ownOf("web-b", family)}`);
      for (const from of ["n1", "n2", "vm"])
        await hears(from, asks(ip), `web-a sees ${cluster.hostAddresses(from)[family]}`);
    }
  });

  test("it moves to another pod, and nothing of others is touched when it is deleted", async () => {
    const others = (): Promise<string> =>
      cluster.northbound("--columns=_uuid,nat,policies", "list", "Logical_Router", router());
    const patch = JSON.stringify({ spec: { podName: "web-b" } });
    await cluster.kubectl("patch", "floatingaddress", "-n", ns, "one", "--type=merge", "-p", patch);
    for (const [family, ip] of ips.entries()) {
      await hears("machine", asks(ip), `web-b sees ${cluster.hostAddresses("machine")[family]}`);
      await becomes(`web-b is ${ip} outside`, ip, () => sourceOf("web-b", family));
      assert.equal(await sourceOf("web-a", family), await ownOf("web-a", family));
    }
    await cluster.northbound(
      "lr-nat-add",
      router(),
      "snat",
      ips[0]?.replace(/\.\d+$/, ".199") ?? "",
      "192.0.2.0/24",
    );
    await cluster.kubectl("delete", "floatingaddress", "-n", ns, "one");
    await becomes("the operator's translation is left", ["snat"], () => cluster.rows("NAT", "type"));
    assert.match(await others(), /nat +: \[[^,]+\]/);
    for (const ip of ips) await hears("machine", asks(ip), "silence");
  });

  test("where OVN announces addresses, the pod's own hypervisor translates, and it moves from one to the other", async () => {
    const { switchPort } = cluster.sandbox.layout.tenant?.machines ?? assert.fail();
    await cluster.northbound(
      "lsp-set-options",
      switchPort,
      ...(await optionsOf(switchPort)),
      "nat-addresses=router",
    );
    await cluster.apply(floating("three", { podName: "web-a" }));
    const found = await eventually("it has two addresses", async () => {
      const both = (await given("three", "addresses[*]")).split(" ").filter(Boolean);
      return both.length === 2 && both;
    });
    const ports = (): Promise<readonly string[]> =>
      cluster.rows("NAT", "logical_port", "type=dnat_and_snat", "external_mac!=[]");
    const chassisOf = async (port: string): Promise<string> => {
      const row = await cluster.sandbox.central.exec([
        ...["ovn-sbctl", "--bare", "--columns=chassis", "find", "Port_Binding", `logical_port=${port}`],
      ]);
      return row.trim();
    };
    const seen: string[] = [];
    for (const name of ["web-a", "web-b"]) {
      const patch = JSON.stringify({ spec: { podName: name } });
      await cluster.kubectl("patch", "floatingaddress", "-n", ns, "three", "--type=merge", "-p", patch);
      for (const [family, ip] of found.entries()) {
        for (const way of ["tcp", "udp"] as const)
          await hears("machine", asks(ip, way), `${name} sees ${cluster.hostAddresses("machine")[family]}`);
        await becomes(`${name} is ${ip} outside`, ip, () => sourceOf(name, family));
        await hears(`${ns}/client`, asks(ip), `${name} sees ${await ownOf("client", family)}`);
        await hears("vm", asks(ip), `${name} sees ${cluster.hostAddresses("vm")[family]}`);
      }
      const [port = "", other] = await ports();
      assert.equal(other, port, "both families are translated there");
      seen.push(await chassisOf(port));
    }
    assert.notEqual(seen[0], seen[1], "the pods are on two hypervisors");
    await cluster.kubectl("delete", "floatingaddress", "-n", ns, "three");
  });

  test("where the tenant's router has no external network, the object says so", async () => {
    const port = cluster.sandbox.layout.tenant?.machines.routerPort ?? assert.fail();
    const chassis = (await cluster.northbound("lrp-get-gateway-chassis", port)).split("\n");
    for (const line of chassis) {
      const name = line.split(" ")[0]?.slice(port.length + 1) ?? "";
      await cluster.northbound("lrp-del-gateway-chassis", port, name);
    }
    await cluster.apply(floating("two", { podName: "web-a" }));
    await becomes("it says that it is not served", "NotServed", () => ready("two"));
    const events = await cluster.kubectl(
      "get",
      "events",
      "-n",
      ns,
      "--field-selector=involvedObject.name=two",
    );
    assert.match(events, /NotServed.*has no port with a gateway chassis/);
  });

  const optionsOf = async (port: string): Promise<readonly string[]> => {
    const found = await cluster.northbound("lsp-get-options", port);
    return found.split("\n").filter((option) => option !== "" && !option.startsWith("nat-addresses"));
  };
  const router = (): string => cluster.sandbox.layout.tenant?.router ?? assert.fail();
});
