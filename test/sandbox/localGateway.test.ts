// A node that is its pods' gateway (`--gateway local`): their packets to the outside take the ways that the host's routing has,
// under an address of the interface that they leave by. The node starts with a shared gateway, and is switched under traffic.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { FarEnd, farHost, farPort, narrowBytes, narrowHost, nodeAt, secondTable, vpnHost } from "./farEnd.ts";
import { namespace, pod, service } from "./manifests.ts";
import { talkUdp } from "./talk.ts";

const ns = "way";
const client = `${ns}/client`;
const nodePort = 30_081;
const outsidePort = 7000;
const asks = (address: string, port: number, way: Question["way"] = "tcp"): Question => ({
  ...{ way, address, port },
});

suite("pods that leave through the host", suiteLimit, () => {
  let cluster: Cluster;
  let far: FarEnd;
  let shared: unknown;

  const n1 = (...argv: readonly string[]): Promise<string> => cluster.sandbox.host("n1").exec(argv);
  /** Who answers, and whom it sees. */
  const heard = async (from: string, question: Question): Promise<string> => {
    const [result] = await cluster.ask(from, [question], 1);
    const [by, , source] = (result?.words ?? "").split(" ");
    return result?.ok ? `${by} sees ${source}` : "silence";
  };
  const hears = (from: string, question: Question, wanted: string): Promise<void> =>
    becomes(`${from} ▶ ${question.way} ${question.address}: ${wanted}`, wanted, () => heard(from, question));
  const inPod = (...argv: readonly string[]): Promise<string> =>
    cluster.kubectl("exec", "-n", ns, "client", "--", ...argv);
  const addressOf = async (name: string, family: number): Promise<string> =>
    (await cluster.addressesOf(ns, name))[family] ?? assert.fail(name);
  const routesOut = async (): Promise<readonly string[]> =>
    (await cluster.rows("Logical_Router_Static_Route", "ip_prefix,nexthop", "policy=src-ip")).toSorted();

  /** All that an agent sets on its node and that could depend on the gateway. */
  const stateOf = async (): Promise<unknown> => ({
    tables: await Promise.all(
      ["weft", "weft_way_in"].map((table) => n1("nft", "list", "table", "inet", table)),
    ),
    routes: [await n1("ip", "-4", "route", "show"), await n1("ip", "-6", "route", "show", "dev", "weft0")],
    rules: [await n1("ip", "-4", "rule"), await n1("ip", "-6", "rule")],
    mtu: / mtu \d+/.exec(await n1("ip", "link", "show", "weft0"))?.[0],
    settings: await n1(
      ...["sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding", "net.ipv4.conf.all.rp_filter"],
      ...["net.ipv4.conf.weft0.rp_filter", "net.ipv4.conf.weft0.route_localnet"],
    ),
    flows: (await n1("ovs-ofctl", "dump-flows", "--no-stats", "br-ex")).split("\n").toSorted(),
    rows: await routesOut(),
  });

  const switchTo = async (gateway: "shared" | "local"): Promise<void> => {
    const { processes } = cluster.sandbox;
    const record = processes.record("n1-agent");
    await processes.stop("n1-agent");
    const at = record.argv.indexOf("--gateway");
    assert.notEqual(at, -1);
    await processes.launch({ ...record, argv: record.argv.with(at + 1, gateway) });
    const [join] = (await cluster.rows("Logical_Router_Port", "networks", "name=weft_gtoj_n1"))
      .join(" ")
      .split("/");
    const via = gateway === "shared" ? join : (await addressOf("client", 0)).replace(/\d+$/, "2");
    await becomes(`n1's route out leads to ${via}`, true, async () =>
      (await routesOut()).some((line) => line.includes(via ?? "?")),
    );
    await cluster.northbound("--wait=hv", "sync");
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testlocal", mode: "overlay", nodes: 2 });
    await cluster.serveEcho("outside", outsidePort);
    await cluster.apply(
      namespace(ns),
      pod({ namespace: ns, name: "web", node: "n1", labels: { app: "web" } }),
      pod({ namespace: ns, name: "client", node: "n1" }),
      pod({ namespace: ns, name: "mail", node: "n1" }),
      service({
        ...{ namespace: ns, name: "web" },
        spec: {
          ...{ type: "NodePort", selector: { app: "web" }, externalTrafficPolicy: "Local" },
          ports: [{ name: "web", port: 80, targetPort: 8080, nodePort }],
        },
      }),
      {
        ...{ apiVersion: "weft.io/v1alpha1", kind: "IPAddressPool", metadata: { name: "float" } },
        spec: {
          addresses: ["172.30.0.210-172.30.0.219", "fd00:172:30::210-fd00:172:30::219"],
          serviceAllocation: { namespaces: [ns] },
        },
      },
      {
        ...{ apiVersion: "weft.io/v1alpha1", kind: "FloatingAddress" },
        ...{ metadata: { namespace: ns, name: "mail" }, spec: { podName: "mail" } },
      },
    );
    await cluster.podsReady(ns);
    far = await FarEnd.behind(cluster, cluster.sandbox.host("n1"));
    await eventually("the agent leads in at the new links' addresses", async () => {
      const table = await n1("nft", "list", "table", "inet", "weft_way_in");
      return [...nodeAt.second, ...nodeAt.vpn].every((ip) => table.includes(ip));
    });
    for (const ip of cluster.hostAddresses("n1"))
      await hears(
        "outside",
        asks(ip, nodePort),
        `web sees ${cluster.hostAddresses("outside")[ip.includes(":") ? 1 : 0]}`,
      );
  });
  after(async () => {
    await far?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("a running node is switched, and what its pods have with the outside goes on", async () => {
    shared = await stateOf();
    for (const [family, ip] of cluster.hostAddresses("outside").entries())
      await hears(client, asks(ip, outsidePort), `outside sees ${cluster.hostAddresses("n1")[family]}`);
    assert.equal(await heard(client, asks(vpnHost[0], farPort)), "silence");
    const talks = cluster
      .hostAddresses("outside")
      .map((ip, at) => talkUdp(cluster, client, ip, outsidePort, 41_000 + at));
    const lines = cluster.hostAddresses("outside").map((ip) => holdLine(cluster, ip));
    await using _ends = new AsyncDisposableStack();
    for (const each of [...talks, ...lines]) _ends.use(each);
    for (const each of [...talks, ...lines]) await each.hearsMore();
    await switchTo("local");
    for (const each of [...talks, ...lines]) await each.hearsMore();
    assert.match(
      await cluster.field("node", "", "n1", "{.metadata.annotations.k8s\\.ovn\\.org/l3-gateway-config}"),
      /"mode":"local"/,
    );
  });

  test("pods reach the outside, a network behind a link of the host, and one that only a rule leads to", async () => {
    for (const family of [0, 1] as const) {
      const own = cluster.hostAddresses("n1")[family] ?? "";
      for (const way of ["tcp", "udp"] as const) {
        const outside = cluster.hostAddresses("outside")[family] ?? "";
        await hears(client, asks(outside, outsidePort, way), `outside sees ${own}`);
        await hears(client, asks(vpnHost[family], farPort, way), `far sees ${nodeAt.vpn[family]}`);
        assert.equal(await heard(client, asks(farHost[family], farPort, way)), "silence");
      }
    }
    const rule = async (how: "add" | "delete", select: readonly string[]): Promise<void> => {
      for (const family of [0, 1] as const) {
        const [selector = "", value = ""] = select;
        const from = (await addressOf("client", family)).replace(/[^.:]+$/, family === 0 ? "0/24" : "/64");
        const chosen = [selector, value || from];
        const ip = ["ip", family === 0 ? "-4" : "-6", "rule", how];
        await n1(...ip, "priority", "999", "lookup", "main", "suppress_prefixlength", "0");
        await n1(...ip, "priority", "1000", ...chosen, "lookup", secondTable);
      }
    };
    const mark = `table inet marks {
      chain pre { type filter hook prerouting priority mangle
        iifname weft0 meta mark set 7
      }
    }`;
    for (const [select, prepare, undo] of [
      [["from"], [], []],
      [
        ["fwmark", "7"],
        ["nft", "-f", "-"],
        ["nft", "delete", "table", "inet", "marks"],
      ],
    ] as const) {
      if (prepare.length > 0) await cluster.sandbox.host("n1").exec(prepare, { input: mark });
      await rule("add", select);
      for (const family of [0, 1] as const) {
        await hears(client, asks(farHost[family], farPort), `far sees ${nodeAt.second[family]}`);
        await hears(client, asks(farHost[family], farPort, "udp"), `far sees ${nodeAt.second[family]}`);
        await hears(client, asks(vpnHost[family], farPort), `far sees ${nodeAt.vpn[family]}`);
        // The cluster's own ways have more specific routes.
        await hears(
          client,
          asks(await addressOf("web", family), 8080),
          `web sees ${await addressOf("client", family)}`,
        );
      }
      await rule("delete", select);
      if (undo.length > 0) await n1(...undo);
    }
  });

  test("a pod learns the MTU of a narrow link on the way, and nobody limits packets to what a tunnel leaves", async () => {
    assert.match(await n1("ip", "link", "show", "weft0"), / mtu 1500 /);
    for (const ip of narrowHost) {
      const size = ["-s", String(1_400 - (ip.includes(":") ? 48 : 28))];
      await eventually(`a pod learns the MTU towards ${ip}`, async () => {
        await inPod("ping", "-n", "-c1", "-W1", "-M", "do", ...size, ip).catch(() => undefined);
        return (await inPod("ip", "route", "get", ip)).includes(` mtu ${narrowBytes}`);
      });
      assert.match(await inPod("ping", "-n", "-c1", "-W2", ip), /1 received/);
    }
  });

  test("nothing leaves untranslated, and nothing that another node would take for a tunnel's", async () => {
    await far.watch(
      "ip saddr 10.244.0.0/16",
      "ip6 saddr fd00:10:244::/48",
      "udp dport 6081",
      "tcp sport 4444",
      `udp dport 4445 ip saddr ${nodeAt.vpn[0]}`,
      `udp dport 4445 ip6 saddr ${nodeAt.vpn[1]}`,
    );
    for (const [family, to] of vpnHost.entries())
      await inPod("perl", "-e", sayOddly, await addressOf("client", family), to);
    await becomes("what is sent as it should be arrives", [0, 0, 0, 0, 1, 1], () => far.counted());
  });

  test("the way in leads as before, servers and policies see the client, and floating addresses are the pods' own both ways", async () => {
    await cluster.apply({
      ...{ apiVersion: "networking.k8s.io/v1", kind: "NetworkPolicy" },
      metadata: { namespace: ns, name: "only-outside" },
      spec: {
        podSelector: {},
        ingress: [
          {
            from: cluster
              .hostAddresses("outside")
              .map((ip) => ({ ipBlock: { cidr: ip + (ip.includes(":") ? "/128" : "/32") } })),
          },
        ],
      },
    });
    const floats = await eventually("it has two addresses", async () => {
      const found = await cluster.field("floatingaddress", ns, "mail", "{.status.addresses[*]}");
      return found.includes(" ") && found.split(" ");
    });
    for (const family of [0, 1] as const) {
      const outside = cluster.hostAddresses("outside")[family] ?? "";
      const atNode = asks(cluster.hostAddresses("n1")[family] ?? "", nodePort);
      const atFloat = asks(floats[family] ?? "", 8080);
      await hears("n2", atNode, "silence");
      await hears("n2", atFloat, "silence");
      await hears("outside", atNode, `web sees ${outside}`);
      await hears("outside", atFloat, `mail sees ${outside}`);
      await hears(`${ns}/mail`, asks(outside, outsidePort), `outside sees ${floats[family]}`);
      await hears(client, asks(outside, outsidePort), `outside sees ${cluster.hostAddresses("n1")[family]}`);
    }
  });

  test("switched back, the node is as it was, and what its pods have with the outside goes on", async () => {
    await cluster.kubectl("delete", "networkpolicy", "-n", ns, "only-outside");
    const talks = cluster
      .hostAddresses("outside")
      .map((ip, at) => talkUdp(cluster, client, ip, outsidePort, 42_000 + at));
    const lines = cluster.hostAddresses("outside").map((ip) => holdLine(cluster, ip));
    await using _ends = new AsyncDisposableStack();
    for (const each of [...talks, ...lines]) _ends.use(each);
    for (const each of [...talks, ...lines]) await each.hearsMore();
    await switchTo("shared");
    for (const each of [...talks, ...lines]) await each.hearsMore();
    await becomes("nothing is left behind", shared, stateOf);
    assert.equal(await heard(client, asks(vpnHost[0], farPort)), "silence");
  });
});

/** One TCP connection of the client's pod that says something ten times a second, and hears it back. */
function holdLine(cluster: Cluster, address: string) {
  const program = `use IO::Socket::IP; $| = 1; $SIG{PIPE} = "IGNORE";
    my $s = IO::Socket::IP->new(PeerHost => "${address}", PeerPort => ${outsidePort}) or die $@;
    for (my $n = 1; ; $n++) { syswrite($s, "$n\\n") or die "closed"; defined(my $a = <$s>) or die "closed"; print "$n\\n"; select undef, undef, undef, 0.1 }`;
  const env = { ...process.env, KUBECONFIG: cluster.sandbox.kubeconfig };
  const argv = ["exec", "-n", ns, "client", "--", "perl", "-e", program];
  const child = spawn("kubectl", argv, { env, stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return {
    hearsMore: () => {
      const before = said.length;
      return eventually(`the connection to ${address} goes on`, () => said.length > before);
    },
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill()) await ended;
    },
  };
}

/**
 * Perl. Arguments: the pod's address and that of a host. Sends what no tracker of connections knows (the answer to a TCP
 * connection that nobody has opened), what looks like a tunnel's, and last an ordinary datagram.
 */
const sayOddly = `use Socket qw(:all); use IO::Socket::IP;
  my ($from, $to) = @ARGV;
  my $six = $to =~ /:/;
  my ($me, $it) = map { inet_pton($six ? AF_INET6 : AF_INET, $_) } $from, $to;
  my $segment = pack("nnNNCCnnn", 4444, 80, 1, 1, 0x50, 0x12, 1024, 0, 0);
  my $sum = 0;
  $sum += $_ for unpack "n*", $me . $it . pack($six ? "Nnn" : "nn", $six ? (20, 0, 6) : (6, 20)) . $segment;
  $sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
  substr($segment, 16, 2) = pack "n", ~$sum & 0xffff;
  socket(my $raw, $six ? AF_INET6 : AF_INET, SOCK_RAW, 6) or die "socket: $!";
  send $raw, $segment, 0, $six ? pack_sockaddr_in6(0, $it) : pack_sockaddr_in(0, $it) or die "send: $!";
  for (6081, 4445) { my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => $to, PeerPort => $_) or die $@; syswrite $s, "x\\n" }`;
