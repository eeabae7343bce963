// The life of a node that is a virtual machine: it moves, reboots, gets another network card, is deleted without
// notice; and its pool of ports is damaged by hand. Each time the pool follows, no address is used twice and nothing is
// left behind.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { inodesOf, namespacesWith, removeNamespaces } from "../../sandbox/fabric/netns.ts";
import { plainAddress } from "../../sandbox/host.ts";
import { endProcesses } from "../../sandbox/process/end.ts";
import { processesInNetns } from "../../sandbox/process/procfs.ts";
import { poolOfferAnnotation, poolSeenAnnotation } from "../../src/kube/annotations.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { arp, neighbourAdvertisement } from "./frames.ts";
import { namespace, pod } from "./manifests.ts";
import { poolView, portOf } from "./poolView.ts";
import { Stream } from "./stream.ts";
import { moveNode } from "./virtualMachines.ts";
import { Wire } from "./wire.ts";

/** n1 runs the API server and the controller, so things happen only to the other nodes. */
const nodes = ["n1", "n2", "n3"];
const vmProcesses = ["ovsdb", "vswitchd", "runner", "agent"];

interface Row {
  readonly name: string;
  readonly node: string;
  readonly addresses: readonly string[];
}

suite("a node that is a virtual machine", suiteLimit, () => {
  let cluster: Cluster;
  let stream: Stream;

  before(async () => {
    cluster = await Cluster.up({ name: "life", mode: "underlay", nodes: nodes.length });
    for (const node of nodes) {
      const agent = cluster.sandbox.processes.record(`${node}-agent`);
      await cluster.sandbox.processes.stop(agent.name);
      await cluster.sandbox.processes.launch({ ...agent, argv: [...agent.argv, "--rest", "1"] });
    }
    await cluster.apply(namespace("life"), namespace("stream"));
    await birth("first", nodes);
    stream = await Stream.start(cluster, { namespace: "stream", name: "stream", from: "n2", to: "n1" });
    await expectWhole();
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("one that moves to the other hypervisor takes its pods along, and more start there", async () => {
    await moveNode(cluster.sandbox, "n2", "h2", "h1");
    await stream.goesOn();
    await birth("moved", ["n2"]);
    await expectWhole();
    await moveNode(cluster.sandbox, "n2", "h1", "h2");
    await expectWhole();
    await stream.goesOn();
  });

  test("a dead vswitchd of its own and a dead ovn-controller of its hypervisor are told, until they are back", async () => {
    const { processes } = cluster.sandbox;
    await processes.kill("h2-ovn-controller", "SIGKILL");
    await processes.kill("n3-vswitchd", "SIGKILL");
    await eventually("status says both", async () => {
      const { status, stdout } = await cluster.weft("status");
      assert.equal(status, 1);
      // A machine's own network goes down with its vswitchd, and so does its agent's way to the API.
      assert.match(stdout, /^unhealthy: .*\(the worst, n3: /);
      assert.match(stdout, /^n2 .*ovn-controller of its hypervisor h2 is behind/m);
      return true;
    });
    await Promise.all(["h2-ovn-controller", "n3-vswitchd"].map((name) => processes.start(name)));
    await becomes("healthy", 0, async () => (await cluster.weft("status")).status);
    await stream.goesOn();
  });

  test("a pool whose cache is deleted or corrupted is made anew around the pods that run", async () => {
    const held = await claims("n2");
    const ovs = (...args: readonly string[]): Promise<string> =>
      cluster.sandbox.host("n2").exec(["ovs-vsctl", ...args]);
    await ovs("--all", "destroy", "Queue");
    await becomes("the claims are known again", held, () => claims("n2"));
    await birth("after-deleted", ["n2"]);
    await expectWhole();

    const [claimed, free] = await Promise.all(["claimed", "ready"].map((state) => rowIn("n2", state)));
    await ovs("set", "Queue", claimed ?? "", "external_ids:weft.io/state=ready");
    await ovs("set", "Queue", free ?? "", "external_ids:weft.io/mac=nonsense");
    await ovs("create", "Queue", `external_ids:weft.io/pool=${cluster.sandbox.layout.name}`);
    await birth("after-corrupted", ["n2"]);
    await expectWhole();
  });

  test("an offer that comes back with an older state of the API's database is not believed, and made anew", async () => {
    const former = await poolView(cluster, "n2");
    await birth("between", ["n2"]);
    const ready = former.portAt(former.offer.open.at(-1) ?? assert.fail("no ready port"));
    // Paused, so that OVN hears of the deletion before the controller puts the port back.
    await cluster.sandbox.processes.pause("controller");
    await cluster.northbound("lsp-del", ready.name);
    const bindings = ["ovn-sbctl", "--bare", "--columns=_uuid", "find", "Port_Binding"];
    await becomes("OVN has let the port go", "", async () =>
      (await cluster.sandbox.central.exec([...bindings, `logical_port=${ready.name}`])).trim(),
    );
    await cluster.sandbox.processes.resume("controller");
    const { generation } = former.offer;
    await eventually(
      "the offer goes on",
      async () => (await poolView(cluster, "n2")).offer.asked > generation,
    );
    await expectWhole();
    await cluster.sandbox.processes.stop("controller");
    const values = { ...poolOfferAnnotation(former.offer), ...poolSeenAnnotation(former.seen) };
    const pairs = Object.entries(values).map(([key, value]) => `${key}=${value}`);
    await cluster.kubectl("annotate", "--overwrite", "node", "n2", ...pairs);
    await eventually(
      "the agent says that it knows a later one",
      async () => (await poolView(cluster, "n2")).seen.generation > generation,
    );
    await cluster.sandbox.processes.restart("controller");
    await birth("restored", ["n2"]);
    await expectWhole();
  });

  test("a tag that somebody else takes is not used: not by a ready port, and a pod's is reported", async () => {
    const { offer, portAt } = await poolView(cluster, "n3");
    const ready = portAt(offer.open.at(-1) ?? assert.fail("no ready port"));
    const used = await portOf(cluster, "life", "first-n3");
    await nest("foreign-1", "n3", ready.tag);
    await becomes(
      "the ready port is gone",
      [],
      async () => await cluster.rows("Logical_Switch_Port", "name", `name=${ready.name}`, `tag=${ready.tag}`),
    );
    assert.doesNotMatch(await nodeEvents("n3"), /somebody else/);
    await nest("foreign-2", "n3", used.tag);
    await eventually("an Event on the Node", async () =>
      new RegExp(`running pods share the VLAN tags ${used.tag} `).test(await nodeEvents("n3")),
    );
    for (const name of ["foreign-1", "foreign-2"]) await cluster.northbound("lsp-del", name);
    await expectWhole();
  });

  test("one that reboots has its pods again, and nothing of the former ones", async () => {
    await powerOff("n3");
    await powerOn("n3");
    await expectWhole();
  });

  test("one that gets another network card keeps its pods, nested in the card's port", async () => {
    const { tenant } = cluster.sandbox.layout;
    const vif = tenant?.vifs.find(({ host }) => host.name === "n2") ?? assert.fail("no card");
    const [mac, name] = ["0a:58:ac:1f:99:0c", `${vif.logicalPort}-new`];
    const identity = [mac, ...vif.host.addresses.map(plainAddress)].join(" ");
    const guest = cluster.sandbox.host("n2");
    await cluster.northbound("lsp-del", vif.logicalPort);
    await eventually("status says which port is missing", async () =>
      (await cluster.weft("status")).stdout.includes(
        `the port ${vif.logicalPort} of its network card is missing in the cloud`,
      ),
    );
    await cluster.northbound(
      ...["lsp-add", tenant?.vms.switch ?? "", name],
      ...["--", "lsp-set-addresses", name, identity, "--", "lsp-set-port-security", name, identity],
    );
    await cluster.sandbox
      .host(vif.hypervisor.name)
      .exec(["ovs-vsctl", "set", "Interface", vif.port, `external_ids:iface-id=${name}`]);
    await guest.exec(["ovs-vsctl", "del-port", "br-ex", "eth0"]);
    await guest.exec(["ip", "link", "set", "eth0", "address", mac]);
    await guest.exec([
      ...["ovs-vsctl", "set", "Bridge", "br-ex", `other_config:hwaddr="${mac}"`],
      ...["--", "add-port", "br-ex", "eth0"],
    ]);
    // As a guest does when its card comes up. Otherwise its peers would look for the old card.
    const [v4 = "", v6 = ""] = vif.host.addresses.map(plainAddress);
    const me = { mac, 4: v4, 6: v6 };
    const announcements = [arp(me, me, undefined, ""), neighbourAdvertisement(me, me, undefined, "")];
    await cluster.sandbox.central.exec(["ovn-nbctl", "--timeout=20", "--wait=hv", "sync"]);
    await eventually("n1 has heard it", async () => {
      await new Wire(cluster).say("n2", announcements);
      const known = await cluster.sandbox.host("n1").exec(["ip", "neighbour", "show", "dev", "br-ex"]);
      return known.split("\n").every((line) => !line.startsWith(`${v4} `) || line.includes(mac));
    });
    await eventually("all ports of the pool are nested in the new one", async () => {
      const parents = await cluster.rows("Logical_Switch_Port", "parent_name");
      return parents.includes(name) && !parents.includes(vif.logicalPort);
    });
    await birth("other-card", ["n2"]);
    await expectWhole();
    await stream.goesOn();
  });

  test("one that is deleted without notice leaves nothing, and may come back", async () => {
    await powerOff("n3");
    await cluster.kubectl("delete", "node", "n3");
    await becomes("its pods are gone", [], () => podsOn("n3"));
    const traces = new RegExp(`_n3\\b`);
    await becomes("no row names it", [], async () => {
      const [ports, switches, routerPorts] = await Promise.all(
        ["Logical_Switch_Port", "Logical_Switch", "Logical_Router_Port"].map((table) =>
          cluster.rows(table, "name"),
        ),
      );
      return [ports, switches, routerPorts]
        .flatMap((names) => names ?? [])
        .filter((name) => traces.test(name));
    });
    const sets = await cluster.rows("Address_Set", "external_ids");
    assert.deepEqual(
      sets.filter((ids) => ids.includes("node/n3")),
      [],
    );
    await powerOn("n3");
    await eventually("the node is there", async () => (await cluster.kubectl("get", "nodes")).includes("n3"));
    await cluster.kubectl("wait", "--for=condition=Ready", "node/n3", "--timeout=45s");
    await birth("back", ["n3"]);
    await expectWhole();
  });

  const birth = (name: string, on: readonly string[]): Promise<void> =>
    cluster.apply(...on.map((node) => pod({ namespace: "life", name: `${name}-${node}`, node })));

  /** Waits until every pod runs and answers under an address of its own, and the nodes hold exactly what is theirs. */
  async function expectWhole(): Promise<void> {
    await cluster.podsReady("life");
    const pods = await rows();
    const addresses = pods.flatMap((row) => row.addresses);
    assert.equal(addresses.length, 2 * pods.length, "every pod has two addresses");
    assert.equal(new Set(addresses).size, addresses.length, "no address is doubled");
    for (const node of nodes) {
      const there = pods.filter((row) => row.node === node).map(({ name }) => name);
      await becomes(`claims on ${node}`, there.toSorted(), () => claims(node));
      await becomes(`pods' interfaces on ${node}`, there.toSorted(), () => interfaces(node));
      await eventually(`the ports of ${node} are those that are offered`, async () => {
        const { offer, portAt } = await poolView(cluster, node);
        const kept = offer.withdrawn
          .map(portAt)
          .filter(({ identity }) => !addresses.includes(identity[4] ?? ""));
        assert.deepEqual(kept, [], "no port is kept that no pod has");
        const offered = [...offer.open, ...offer.closed, ...offer.withdrawn].map((port) => portAt(port).name);
        const all = await cluster.rows("Logical_Switch_Port", "name");
        assert.deepEqual(
          all.filter((name) => name.includes(`_pool_${node}_`)).toSorted(),
          offered.toSorted(),
        );
        return offer.open.length > 0 && offer.closed.length > 0;
      });
    }
    // Without the stream's pods, which run no server.
    const questions = pods
      .filter(({ name }) => !name.startsWith("stream-"))
      .flatMap((row) => row.addresses.map((address): Question => ({ way: "tcp", address, port: 8080 })));
    const askers = [
      "vm",
      "machine",
      ...new Map(
        pods.flatMap(({ node, name }) => (name.startsWith("stream-") ? [] : [[node, `life/${name}`]])),
      ).values(),
    ];
    for (const from of askers)
      await becomes(`all answer ${from}`, [], () => cluster.failures(from, questions));
  }

  async function rows(): Promise<readonly Row[]> {
    const path = "{range .items[*]}{.metadata.name} {.spec.nodeName} {.status.podIPs[*].ip}{'\\n'}{end}";
    const pods = await Promise.all(
      ["life", "stream"].map((ns) => cluster.kubectl("get", "pods", "-n", ns, "-o", `jsonpath=${path}`)),
    );
    return pods
      .flatMap((text) => text.split("\n").filter((line) => line !== ""))
      .map((line) => {
        const [name = "", node = "", ...addresses] = line.split(" ");
        return { name, node, addresses };
      });
  }

  const podsOn = async (node: string): Promise<readonly string[]> =>
    (await rows()).filter((row) => row.node === node).map(({ name }) => name);

  /** Names of the pods that have claimed a port, according to the node's cache. */
  const claims = async (node: string): Promise<readonly string[]> =>
    (await cached(node))
      .flatMap(({ ids }) => (ids["weft.io/state"] === "claimed" ? [podIn(ids)] : []))
      .toSorted();

  const rowIn = async (node: string, state: string): Promise<string> =>
    (await cached(node)).find(({ ids }) => ids["weft.io/state"] === state)?.uuid ?? assert.fail(state);

  const cached = (node: string): Promise<readonly OvsRow[]> => ovsRows(node, "Queue");

  const interfaces = async (node: string): Promise<readonly string[]> =>
    (await ovsRows(node, "Interface"))
      .flatMap(({ ids }) => (ids["weft.io/pod"] ? [podIn(ids)] : []))
      .toSorted();

  async function ovsRows(node: string, table: string): Promise<readonly OvsRow[]> {
    const printed: { readonly data: readonly (readonly [readonly ["uuid", string], OvsMap])[] } = JSON.parse(
      await cluster.sandbox
        .host(node)
        .exec(["ovs-vsctl", "-f", "json", "--columns=_uuid,external_ids", "list", table]),
    );
    return printed.data.map(([[, uuid], [, pairs]]) => ({ uuid, ids: Object.fromEntries(pairs) }));
  }

  const nodeEvents = (node: string): Promise<string> =>
    cluster.kubectl(
      ...["get", "events", "-A", "--no-headers", "--ignore-not-found"],
      `--field-selector=involvedObject.kind=Node,involvedObject.name=${node},reason=NetworkNotReady`,
    );

  /** Somebody else's port, nested in the port of a node. */
  async function nest(name: string, node: string, tag: number): Promise<void> {
    const { tenant } = cluster.sandbox.layout;
    const parent = tenant?.vifs.find(({ host }) => host.name === node)?.logicalPort ?? assert.fail(node);
    await cluster.northbound("lsp-add", tenant?.vms.switch ?? "", name, parent, String(tag));
  }

  /** Ends every process of the machine, including its pods', and removes what a reboot removes. */
  async function powerOff(node: string): Promise<void> {
    const { host } = cluster.sandbox.host(node);
    const namespaces = namespacesWith(`${host.netns}-`);
    const inodes = inodesOf([host.netns, ...namespaces]);
    await endProcesses(() => processesInNetns(inodes), 0);
    await removeNamespaces(namespaces);
  }

  async function powerOn(node: string): Promise<void> {
    for (const name of vmProcesses) await cluster.sandbox.processes.start(`${node}-${name}`);
  }
});

type OvsMap = readonly ["map", readonly (readonly [string, string])[]];

interface OvsRow {
  readonly uuid: string;
  readonly ids: Readonly<Record<string, string>>;
}

/** Without its namespace. */
const podIn = (ids: OvsRow["ids"]): string => ids["weft.io/pod"]?.replace(/^.*\//, "") ?? "";
