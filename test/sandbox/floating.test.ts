// Floating addresses: an address from outside that is one pod's, both ways. The outside host is on the nodes' own network, so
// it needs no route: it asks who has the address, and the node of the pod answers.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service } from "./manifests.ts";

const ns = "front";
const annotation = "weft.io/floating-address";
const asks = (address: string, way: Question["way"] = "tcp", port = 8080): Question => ({
  ...{ way, address, port },
});

suite("floating addresses", suiteLimit, () => {
  let cluster: Cluster;
  let ips: readonly string[];

  const floating = (name: string, spec: object, space = ns): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "FloatingAddress" },
    ...{ metadata: { namespace: space, name }, spec },
  });
  const pool = (...addresses: readonly string[]): object => ({
    ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name: "float" } },
    spec: { addresses, serviceAllocation: { namespaces: [ns] } },
  });
  const given = (name: string, path: string, space = ns): Promise<string> =>
    cluster.field("floatingaddress", space, name, `{.status.${path}}`);
  const ready = (name: string, space = ns): Promise<string> =>
    given(name, 'conditions[?(@.type=="Ready")].reason', space);
  const leadsTo = (name: string, podName: string): Promise<void> =>
    becomes(`${name} leads to ${podName}`, `${podName} Serving`, async () =>
      [await given(name, "podName"), await ready(name)].join(" "),
    );
  const addressesOf = async (name: string): Promise<readonly string[]> =>
    (await given(name, "addresses[*]")).split(" ").filter(Boolean);
  /** Who answers, and whom it sees. */
  const heard = async (from: string, question: Question, limitSeconds?: number): Promise<string> => {
    const [result] = await cluster.ask(from, [question], limitSeconds);
    const [by, , source] = (result?.words ?? "").split(" ");
    if (question.way === "icmp") return result?.ok ? "pong" : "silence";
    return result?.ok ? `${by} sees ${source}` : "silence";
  };
  const hears = (from: string, question: Question, wanted: string): Promise<void> =>
    becomes(`${from} ▶ ${question.way} ${question.address}: ${wanted}`, wanted, () =>
      heard(from, question, 1),
    );
  const eventsOf = (name: string, space = ns): Promise<string> =>
    cluster.kubectl("get", "events", "-n", space, `--field-selector=involvedObject.name=${name}`);
  const macOf = async (node: string): Promise<string> =>
    /link\/ether (\S+)/.exec(await cluster.sandbox.host(node).exec(["ip", "link", "show", "br-ex"]))?.[1] ??
    "";
  const neighbour = async (ip: string): Promise<string> =>
    / lladdr (\S+)/.exec(
      await cluster.sandbox.outside.exec(["ip", "neighbour", "show", ip, "dev", "eth0"]),
    )?.[1] ?? "";
  const translations = (): Promise<readonly string[]> =>
    cluster.rows("NAT", "external_ip", "type=dnat_and_snat");
  const sourceOf = async (name: string, family: number): Promise<string> => {
    const [result] = await cluster.ask(`${ns}/${name}`, [
      asks(cluster.hostAddresses("outside")[family] ?? "", "tcp", 7000),
    ]);
    return (result?.words ?? "").split(" ")[2] ?? "";
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testfloat", mode: "overlay" });
    const at = (name: string, node: string, labels = {}, space = ns): object =>
      pod({ namespace: space, name, node, labels });
    await cluster.serveEcho("outside", 7000);
    await cluster.apply(
      namespace(ns),
      namespace("bank"),
      pool("172.30.0.210-172.30.0.219", "fd00:172:30::210-fd00:172:30::219"),
      at("web-a", "n2", { app: "web" }),
      at("web-b", "n3"),
      at("client-n2", "n2"),
      at("client-n3", "n3"),
      floating("one", { podName: "web-a" }),
    );
    await cluster.podsReady(ns);
    ips = await eventually("it has two addresses", async () => {
      const found = await addressesOf("one");
      return found.length === 2 && found;
    });
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("what comes from outside reaches the pod, which sees the client, and what the pod sends has the address as its source", async () => {
    await leadsTo("one", "web-a");
    for (const [family, ip] of ips.entries()) {
      const client = cluster.hostAddresses("outside")[family] ?? "";
      for (const way of ["tcp", "udp"] as const)
        await hears("outside", asks(ip, way), `web-a sees ${client}`);
      await hears("outside", asks(ip, "icmp", 0), "pong");
      assert.equal(await neighbour(ip), await macOf("n2"));
      await becomes(`web-a is ${ip} outside`, ip, () => sourceOf("web-a", family));
      assert.equal(
        await sourceOf("client-n2", family),
        cluster.hostAddresses("n2")[family],
        "its neighbour has the node's address",
      );
    }
  });

  test("pods of its node and of others, itself, its node and other nodes reach it", async () => {
    for (const [family, ip] of ips.entries()) {
      const own = async (name: string): Promise<string> =>
        (await cluster.addressesOf(ns, name))[family] ?? "";
      for (const name of ["client-n2", "client-n3"])
        for (const way of ["tcp", "udp"] as const)
          await hears(`${ns}/${name}`, asks(ip, way), `web-a sees ${await own(name)}`);
      await hears(`${ns}/client-n2`, asks(ip, "icmp", 0), "pong");
      await hears(`${ns}/web-a`, asks(ip), `web-a sees ${family === 0 ? "169.254.0.5" : "fd69::5"}`);
      await hears("n3", asks(ip), `web-a sees ${cluster.hostAddresses("n3")[family]}`);
      await hears("n2", asks(ip), `web-a sees ${family === 0 ? "10.244.1.2" : "fd00:10:244:1::2"}`);
    }
  });

  test("policies see the client's own address, from outside and from inside", async () => {
    const clients = cluster.hostAddresses("outside");
    await cluster.apply({
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
      metadata: { namespace: ns, name: "only-outside" },
      spec: {
        podSelector: { matchLabels: { app: "web" } },
        ingress: [
          { from: clients.map((ip) => ({ ipBlock: { cidr: ip + (ip.includes(":") ? "/128" : "/32") } })) },
        ],
      },
    });
    for (const [family, ip] of ips.entries()) {
      await hears(`${ns}/client-n3`, asks(ip), "silence");
      await hears("n3", asks(ip), "silence");
      await hears("outside", asks(ip), `web-a sees ${clients[family]}`);
    }
    await cluster.kubectl("delete", "networkpolicy", "-n", ns, "only-outside");
    for (const ip of ips)
      await becomes("without it others are heard again", true, async () =>
        (await heard(`${ns}/client-n3`, asks(ip))).startsWith("web-a"),
      );
  });

  test("it moves to another pod under traffic and back, and the pod before has its node's address again", async (t) => {
    for (const [from, to, node, before] of [
      ["web-a", "web-b", "n3", "n2"],
      ["web-b", "client-n3", "n3", "n3"],
      ["client-n3", "web-a", "n2", "n3"],
    ] as const) {
      const talks = ips.flatMap((ip) => (["udp", "tcp"] as const).map((way) => talk(cluster, ip, way)));
      await using _ends = new AsyncDisposableStack();
      for (const one of talks) _ends.use(one);
      for (const one of talks) await one.heard(from);
      const patch = JSON.stringify({ spec: { podName: to } });
      await cluster.kubectl("patch", "floatingaddress", "-n", ns, "one", "--type=merge", "-p", patch);
      for (const one of talks) await one.heard(to);
      for (const one of talks) {
        assert.equal(
          one.isSteady(to),
          true,
          `${one.label}: after ${to} has answered, ${from} answers no more`,
        );
        const pauseMs = one.pauseMs();
        t.diagnostic(`${one.label} ${from} ▶ ${to}: a pause of ${pauseMs} ms`);
        assert.ok(pauseMs < 5_000, `${one.label}: a pause of ${pauseMs} ms`);
      }
      for (const [family, ip] of ips.entries()) {
        await becomes(`the outside knows ${ip} at ${node}`, await macOf(node), () => neighbour(ip));
        await becomes(`${to} is ${ip} outside`, ip, () => sourceOf(to, family));
        assert.equal(await sourceOf(from, family), cluster.hostAddresses(before)[family]);
      }
    }
  });

  test("clients outside notice nothing when the agents are killed and start again", async () => {
    const talks = ips.flatMap((ip) => (["udp", "tcp"] as const).map((way) => talk(cluster, ip, way)));
    await using _ends = new AsyncDisposableStack();
    for (const one of talks) _ends.use(one);
    for (const one of talks) await one.heard("web-a");
    const agents = ["n2-agent", "n3-agent"];
    const { processes } = cluster.sandbox;
    for (const name of agents) await processes.kill(name, "SIGKILL");
    await Promise.all(agents.map((name) => processes.start(name)));
    for (const one of talks) {
      await one.goesOn();
      assert.ok(one.isSteady("web-a"));
      assert.ok(one.pauseMs() < 1_000, `${one.label}: a pause of ${one.pauseMs()} ms`);
    }
  });

  test("what moves while no agent runs leads to the new pod, for old connections too, as soon as agents run", async () => {
    const agents = ["n1-agent", "n2-agent", "n3-agent"];
    const { processes } = cluster.sandbox;
    const move = (to: string): Promise<string> =>
      cluster.kubectl(
        ...["patch", "floatingaddress", "-n", ns, "one", "--type=merge"],
        ...["-p", JSON.stringify({ spec: { podName: to } })],
      );
    const talks = ips.flatMap((ip) => (["udp", "tcp"] as const).map((way) => talk(cluster, ip, way)));
    await using _ends = new AsyncDisposableStack();
    for (const one of talks) _ends.use(one);
    for (const one of talks) await one.heard("web-a");
    await Promise.all(agents.map((name) => processes.stop(name)));
    // On the same node, so that its neighbours need not hear of it.
    await move("client-n2");
    await leadsTo("one", "client-n2");
    await Promise.all(agents.map((name) => processes.start(name)));
    for (const one of talks) await one.heard("client-n2");
    await move("web-a");
    await leadsTo("one", "web-a");
    for (const one of talks) await one.heard("web-a");
  });

  test("it follows a pod that is made again on another node when its own node dies", async () => {
    await cluster.sandbox.host("n2").exec(["ip", "link", "set", "eth0", "down"]);
    await cluster.kubectl("delete", "pod", "-n", ns, "web-a", "--force", "--grace-period=0");
    await cluster.apply(pod({ namespace: ns, name: "web-a", node: "n3", labels: { app: "web" } }));
    await cluster.podsReady(ns, "web-a");
    await becomes("the status says n3", "n3", () => given("one", "nodeName"));
    for (const ip of ips) await hears("outside", asks(ip), await seenFrom(ip));
    await cluster.sandbox.host("n2").exec(["ip", "link", "set", "eth0", "up"]);
    await becomes("n2 is back", "False", () =>
      cluster.field("node", "", "n2", '{.status.conditions[?(@.type=="NetworkUnavailable")].status}'),
    );
    for (const [family, ip] of ips.entries()) {
      await becomes("n2 leads nothing to OVN for it any more", false, () => hasFlow("n2", ip));
      await cluster.sandbox.outside.exec(["ip", "neighbour", "flush", "to", ip, "dev", "eth0"]);
      await hears("outside", asks(ip), await seenFrom(ip));
      assert.equal(await neighbour(ip), await macOf("n3"));
      await becomes(`web-a is ${ip} outside`, ip, () => sourceOf("web-a", family));
    }
  });

  test("a pod asks by annotation, and gets no address that its namespace may not have", async () => {
    await cluster.apply(
      pod({ namespace: ns, name: "asks", node: "n2", annotations: { [annotation]: "172.30.0.215" } }),
      pod({ namespace: "bank", name: "liar", node: "n2", annotations: { [annotation]: "172.30.0.216" } }),
    );
    await cluster.podsReady(ns, "asks");
    await leadsTo("asks", "asks");
    await hears("outside", asks("172.30.0.215"), `asks sees ${cluster.hostAddresses("outside")[0]}`);
    await becomes("an Event tells the pod in the other namespace", true, async () =>
      (await eventsOf("liar", "bank")).includes("which is in no IPAddressPool that serves this namespace"),
    );
    await cluster.kubectl("annotate", "pod", "-n", ns, "asks", `${annotation}-`);
    await becomes("without the annotation the address is free", false, async () =>
      (await translations()).includes("172.30.0.215"),
    );
    await hears("outside", asks("172.30.0.215"), "silence");
  });

  test("a status that somebody patches is written again, and gives nothing", async () => {
    const [stolen] = ips;
    const lie = { addresses: [stolen, "172.30.0.11"], podName: "liar", nodeName: "n2" };
    const patch = JSON.stringify({ status: lie });
    for (const [space, name] of [
      ["bank", "liar"],
      [ns, "one"],
    ] as const)
      await cluster.kubectl(
        ...["patch", "floatingaddress", "-n", space, name, "--subresource=status"],
        ...["--type=merge", "-p", patch],
      );
    await becomes("the liar has nothing again", "NoAddress", async () =>
      (await given("liar", "addresses", "bank")).length > 2 ? "some" : ready("liar", "bank"),
    );
    await becomes("the honest one has its own again", [...ips], () => addressesOf("one"));
    await leadsTo("one", "web-a");
    assert.deepEqual((await translations()).toSorted(), ips.toSorted());
    for (const ip of ips) await hears("outside", asks(ip), await seenFrom(ip));
  });

  test("whoever waits for an address gets it when it is given up, whoever had it", async () => {
    const [ip, far, foreign] = ["172.30.0.218", "203.0.113.7", "172.30.0.217"];
    const drop = (...names: readonly string[]): Promise<string> =>
      cluster.kubectl("delete", "floatingaddress", "-n", ns, ...names);
    const waits = (name: string): Promise<void> => becomes(`${name} waits`, "NoAddress", () => ready(name));
    await cluster.apply(
      {
        ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name: "far" } },
        spec: { addresses: [far], autoAssign: false },
      },
      floating("holder", { podName: "client-n3", addresses: [ip] }),
      floating("far", { podName: "web-b", addresses: [far] }),
    );
    await leadsTo("holder", "client-n3");
    await leadsTo("far", "web-b");
    const ofIpv4 = { ipFamilyPolicy: "SingleStack" };
    const single = (name: string, spec: object): object =>
      service({ namespace: ns, name, spec: { ports: [{ port: 80 }], ...ofIpv4, ...spec } });
    await cluster.apply(
      single("lb", { type: "LoadBalancer", loadBalancerIP: ip }),
      single("old", { externalIPs: [far] }),
    );
    await becomes("the Service is told who has it", true, async () =>
      (await cluster.messagesOf("lb", "NoAddress")).includes("which FloatingAddress front/holder has"),
    );
    await becomes("and the other one", true, async () =>
      (await cluster.messagesOf("old", "AddressRefused")).includes("that of FloatingAddress front/far"),
    );
    await drop("holder", "far");
    await becomes("the balancer's", ip, () =>
      cluster.field("service", ns, "lb", "{.status.loadBalancer.ingress[*].ip}"),
    );
    await becomes("the external IP's", far, () =>
      cluster.field("service", ns, "old", "{.status.conditions[*].message}"),
    );

    await cluster.apply(floating("next", { podName: "client-n3", addresses: [ip] }));
    await waits("next");
    await cluster.kubectl("delete", "service", "-n", ns, "lb", "old");
    await leadsTo("next", "client-n3");

    const { processes } = cluster.sandbox;
    await processes.stop("controller");
    await drop("next");
    await cluster.apply(floating("last", { podName: "web-b", addresses: [ip] }));
    await processes.start("controller");
    await leadsTo("last", "web-b");

    await cluster.northbound(
      ...["lr-add", "foreign", "--", "lr-nat-add", "foreign", "dnat_and_snat", foreign, "192.0.2.9"],
    );
    await cluster.apply(floating("patient", { podName: "client-n3", addresses: [foreign] }));
    await waits("patient");
    await cluster.northbound("lr-del", "foreign");
    await leadsTo("patient", "client-n3");
    await drop("last", "patient");
    await cluster.kubectl("delete", "ipaddresspool", "far");
  });

  test("a controller that starts again changes nothing, although the pool was made smaller meanwhile", async () => {
    const rows = (): Promise<readonly string[]> =>
      cluster.rows("NAT", "_uuid,external_ip,logical_ip", "type=dnat_and_snat");
    const before = await rows();
    const since = await given("one", "conditions[*].lastTransitionTime");
    const { processes } = cluster.sandbox;
    await processes.stop("controller");
    await cluster.apply(pool("172.30.0.230-172.30.0.239"));
    await processes.start("controller");
    await cluster.apply(floating("two", { podName: "client-n2" }));
    await leadsTo("two", "client-n2");
    assert.deepEqual(await addressesOf("two"), ["172.30.0.230"]);
    await cluster.kubectl("delete", "floatingaddress", "-n", ns, "two");
    await becomes("the rows are those from before", before, rows);
    assert.deepEqual(await addressesOf("one"), ips);
    assert.equal(await given("one", "conditions[*].lastTransitionTime"), since, "it was ready all the time");
    for (const ip of ips) await hears("outside", asks(ip), await seenFrom(ip));
  });

  test("where an operator routes pods' subnets to the nodes, pods are reached at their own addresses, and known by them", async () => {
    const [far4, far6] = ["198.18.0.9", "2001:db8:18::9"];
    const { outside } = cluster.sandbox;
    const [via4 = "", via6 = ""] = cluster.hostAddresses("outside");
    for (const [far, via, bits] of [
      [far4, via4, "32"],
      [far6, via6, "128"],
    ] as const) {
      await outside.exec(["ip", "address", "add", `${far}/${bits}`, "dev", "lo"]);
      for (const node of ["n2", "n3"])
        await cluster.sandbox.host(node).exec(["ip", "route", "replace", "default", "via", via]);
    }
    for (const [family, far] of [far4, far6].entries()) {
      const addresses = [
        ["web-b", "n3"],
        ["client-n2", "n2"],
      ] as const;
      for (const [name, node] of addresses) {
        const own = (await cluster.addressesOf(ns, name))[family] ?? "";
        const subnet = own.replace(/[^.:]+$/, family === 0 ? "0/24" : ":/64").replace(":::", "::");
        const via = cluster.hostAddresses(node)[family] ?? "";
        await outside.exec(["ip", "route", "replace", subnet, "via", via, "src", far]);
        for (const way of ["tcp", "udp"] as const)
          await hears("outside", asks(own, way), `${name} sees ${far}`);
        await becomes(`${name} is itself at ${far}`, own, async () => {
          const [result] = await cluster.ask(`${ns}/${name}`, [asks(far, "tcp", 7000)], 1);
          return (result?.words ?? "").split(" ")[2];
        });
      }
      assert.equal(
        await sourceOf("web-b", family),
        cluster.hostAddresses("n3")[family],
        "elsewhere it is its node",
      );
      await becomes("a floating address counts there too", ips[family], async () => {
        const [result] = await cluster.ask(`${ns}/web-a`, [asks(far, "tcp", 7000)]);
        return (result?.words ?? "").split(" ")[2];
      });
    }
  });

  test("when it is deleted nothing is left of it", async () => {
    await cluster.kubectl("delete", "floatingaddress", "-n", ns, "one");
    await becomes("no row", [], async () => [
      ...(await translations()),
      ...(await cluster.rows("Load_Balancer", "name")).filter((name) => name.includes("_floating_")),
    ]);
    for (const [family, ip] of ips.entries()) {
      await hears("outside", asks(ip), "silence");
      assert.equal(await sourceOf("web-a", family), cluster.hostAddresses("n3")[family]);
      for (const node of ["n2", "n3"])
        await becomes(`${node} has no flow for ${ip}`, false, () => hasFlow(node, ip));
    }
  });

  const hasFlow = async (node: string, ip: string): Promise<boolean> => {
    const flows = await cluster.sandbox.host(node).exec(["ovs-ofctl", "dump-flows", "br-ex"]);
    return [",", " "].some((end) => flows.includes(`_dst=${ip}${end}`));
  };
  const seenFrom = async (ip: string): Promise<string> =>
    `web-a sees ${cluster.hostAddresses("outside")[ips.indexOf(ip)]}`;
});

/** A client outside that asks all the time: by UDP from one port, by TCP over one connection for as long as that lives. */
function talk(cluster: Cluster, address: string, way: "udp" | "tcp") {
  const program = `use IO::Socket::IP; use Time::HiRes "time"; $| = 1; $SIG{PIPE} = "IGNORE";
    my $s; while (1) {
      $s ||= IO::Socket::IP->new(Proto => "${way}", PeerHost => "${address}", PeerPort => 8080, Timeout => 0.2);
      my $r = ""; vec($r, fileno $s, 1) = 1 if $s;
      if (!$s or !syswrite($s, "x\n") or (select($r, undef, undef, 0.04) and !sysread $s, $a, 99)) { $b = ""; undef $s if "${way}" eq "tcp" }
      elsif ($a) { $b .= $a; $a = ""; printf "%.0f %s\n", time * 1000, (split " ", $1)[0] while $b =~ s/^([^\n]*)\n// }
      select undef, undef, undef, 0.01 }`;
  const [file = "", ...args] = cluster.sandbox.outside.command(["perl", "-e", program]);
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const answers = (): readonly (readonly [atMs: number, by: string])[] =>
    said
      .split("\n")
      .slice(0, -1)
      .map((line) => line.split(" "))
      .map(([atMs, by = ""]) => [Number(atMs), by] as const);
  return {
    label: `${way} ${address}`,
    /** Until that pod has answered twenty times. */
    heard: (pod: string) =>
      eventually(
        `outside hears ${pod} from ${address} by ${way}`,
        () =>
          answers()
            .slice(-20)
            .every(([, by]) => by === pod) && answers().length >= 20,
      ),
    /** Until there are a hundred answers more. */
    goesOn: () => {
      const before = answers().length;
      return eventually(`${address} goes on answering by ${way}`, () => answers().length > before + 100);
    },
    /** Since it has answered for the first time, nobody else has. */
    isSteady: (pod: string): boolean => {
      const all = answers();
      return all.slice(all.findIndex(([, by]) => by === pod)).every(([, by]) => by === pod);
    },
    /** The longest between two answers. */
    pauseMs: (): number => {
      const times = answers().map(([atMs]) => atMs);
      return Math.max(...times.slice(1).map((atMs, at) => atMs - (times[at] ?? atMs)));
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      if (child.kill()) await ended;
    },
  };
}
