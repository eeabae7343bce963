// Services as people write them: which endpoints a client gets, from pods and from nodes; and the rows in OVN for what
// no packet can show here (SCTP).

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { suiteLimit } from "../real/suiteLimit.ts";
import { becomes, Cluster, eventually, type Question } from "./cluster.ts";
import { namespace, pod, service, slice } from "./manifests.ts";
import { talkUdp } from "./talk.ts";

const ns = "svc";
const web = { app: "web" };
const tcp = (address: string, port = 80): Question => ({ way: "tcp", address, port });
const udp = (address: string, port = 80): Question => ({ way: "udp", address, port });

suite("Services", suiteLimit, () => {
  let cluster: Cluster;

  before(async () => {
    cluster = await Cluster.up({ name: "testsvc" });
    await cluster.apply(
      namespace(ns),
      ...["n1", "n2", "n3"].map((node) =>
        pod({ namespace: ns, name: `web-${node}`, node, labels: web, readiness: ["true"] }),
      ),
      pod({ namespace: ns, name: "client", node: "n1" }),
      pod({ namespace: ns, name: "other", node: "n2" }),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  const expose = async (name: string, spec: object, labels: Record<string, string> = {}) => {
    await cluster.apply(service({ namespace: ns, name, labels, spec }));
    return await cluster.clusterIpsOf(ns, name);
  };
  const balancer = (name: string, protocol = "tcp") =>
    cluster.balancer(`${cluster.id}_svc_${ns}_${name}_${protocol}`);
  const addressOf = async (name: string): Promise<string> => (await cluster.addressesOf(ns, name))[0] ?? "";
  /** Waits until exactly these answer, from each of the places. */
  const answers = async (
    question: Question,
    wanted: readonly string[],
    from: readonly string[] = [`${ns}/client`, "n2"],
  ) => {
    for (const source of from)
      await becomes(`${question.way} ${question.address} from ${source}`, wanted, () =>
        cluster.answering(source, question),
      );
  };
  const endpoints = ["web-n1", "web-n2", "web-n3"];
  const isOverlay = (): boolean => cluster.sandbox.layout.mode === "overlay";

  test("several ports by TCP and UDP lead to all endpoints, in both families, from pods and nodes", async () => {
    const [v4 = "", v6 = ""] = await expose("several", {
      selector: web,
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "alt", port: 8080, targetPort: "web" },
        { name: "dns", port: 53, protocol: "UDP", targetPort: 8080 },
      ],
    });
    assert.match(v6, /^fd00:10:96:/);
    for (const address of [v4, v6])
      for (const question of [tcp(address), tcp(address, 8080), udp(address, 53)])
        await answers(question, endpoints);
  });

  test("a single-stack Service has the addresses of its family and no others", async () => {
    for (const family of ["IPv4", "IPv6"]) {
      const addresses = await expose(`only-${family.toLowerCase()}`, {
        selector: web,
        ipFamilyPolicy: "SingleStack",
        ipFamilies: [family],
        ports: [{ port: 80, targetPort: 8080 }],
      });
      assert.equal(addresses.length, 1);
      await answers(tcp(addresses[0] ?? ""), endpoints);
      assert.equal((await balancer(`only-${family.toLowerCase()}`))?.length, 1);
    }
  });

  test("a named port that pods map to different numbers leads to each pod's own number", async () => {
    const labels = { app: "named" };
    await cluster.apply(
      pod({ namespace: ns, name: "low", node: "n1", labels, ports: { api: 8081 } }),
      pod({ namespace: ns, name: "high", node: "n3", labels, ports: { api: 9090 } }),
    );
    const [v4 = "", v6 = ""] = await expose("named", {
      selector: labels,
      ports: [{ port: 80, targetPort: "api" }],
    });
    for (const address of [v4, v6]) await answers(tcp(address), ["high", "low"]);
  });

  test("a headless Service, and one that is another proxy's or labelled headless, has no row until that changes", async () => {
    const ports = [{ port: 80, targetPort: 8080 }];
    await expose("nowhere", { selector: web, clusterIP: "None", ports });
    const proxy = { "service.kubernetes.io/service-proxy-name": "other" };
    await expose("proxied", { selector: web, ports }, proxy);
    await expose("labelled", { selector: web, ports }, { "service.kubernetes.io/headless": "" });
    const [ours = ""] = await expose("ours", { selector: web, ports });
    await answers(tcp(ours), endpoints);
    for (const name of ["nowhere", "proxied", "labelled"])
      assert.equal(await balancer(name), undefined, name);
    await cluster.kubectl(
      "label",
      "service",
      "-n",
      ns,
      "proxied",
      "service.kubernetes.io/service-proxy-name-",
    );
    const [freed = ""] = await cluster.clusterIpsOf(ns, "proxied");
    await answers(tcp(freed), endpoints);
    await cluster.kubectl(
      "label",
      "service",
      "-n",
      ns,
      "ours",
      "service.kubernetes.io/service-proxy-name=other",
    );
    await becomes("the labelled Service has no row any more", undefined, () => balancer("ours"));
  });

  test("a Service without selector leads where hand-made EndpointSlices say, into the cluster and out of it", async () => {
    await cluster.serveEcho(cluster.beyond, 9000);
    const [beyond4 = "", beyond6 = ""] = cluster.hostAddresses(cluster.beyond);
    const ports = [{ name: "db", port: 5432 }];
    const [v4 = "", v6 = ""] = await expose("manual", { ports });
    const target = [{ name: "db", protocol: "TCP", port: 9000 }];
    const made = (name: string, ...addresses: readonly string[]) =>
      slice({ namespace: ns, name, service: "manual", addresses, ports: target });
    await cluster.apply(made("manual-4", beyond4), made("manual-6", beyond6));
    for (const address of [v4, v6]) await answers(tcp(address, 5432), [cluster.beyond]);
    const inside = [{ name: "db", protocol: "TCP", port: 8080 }];
    const addresses = [await addressOf("web-n3")];
    await cluster.apply(
      slice({ namespace: ns, name: "manual-4", service: "manual", addresses, ports: inside }),
    );
    await answers(tcp(v4, 5432), ["web-n3"]);
  });

  test("endpoints in the host's network are reached from their own node and from others, by pods and by nodes", async () => {
    const labels = { app: "host" };
    const host = (node: string) =>
      pod({
        namespace: ns,
        name: `host-${node}`,
        node,
        labels,
        ports: { web: 7070 },
        spec: { hostNetwork: true },
      });
    await cluster.apply(host("n2"));
    const ports = [{ port: 80, targetPort: 7070 }];
    const addresses = await expose("host", { selector: labels, ports });
    const from = [`${ns}/client`, `${ns}/other`, "n1", "n2", "n3"];
    for (const address of addresses) await answers(tcp(address), ["host-n2"], from);
    await cluster.apply(host("n3"));
    const few = ["n3", `${ns}/other`];
    for (const address of addresses) await answers(tcp(address), ["host-n2", "host-n3"], few);
    await cluster.kubectl("delete", "pod", "-n", ns, "host-n2", "--now");
    for (const address of addresses) await answers(tcp(address), ["host-n3"], few);
  });

  test("a server in the host's network is reached by TCP and UDP if it listens only on its node's address, and also if it lets the kernel choose its source address", async () => {
    const program = `use IO::Socket::IP; for my $ip (split / /, $ENV{LISTEN}) { for my $how (qw(tcp udp)) { next if fork;
      my $s = IO::Socket::IP->new(Proto => $how, LocalHost => $ip, LocalPort => 7072, $how eq "tcp" ? (Listen => 9) : ()) or die $@;
      if ($how eq "udp") { while (defined(my $peer = recv $s, my $text, 999, 0)) { send $s, "bound $text", 0, $peer } }
      while (my $c = $s->accept) { my $text = <$c>; print $c "bound $text"; close $c } } }  1 while wait != -1`;
    const spec = { hostNetwork: true };
    const command = ["env", `LISTEN=${cluster.hostAddresses("n2").join(" ")}`, "perl", "-e", program];
    const [bound, wild] = [{ app: "bound" }, { app: "wild" }];
    await cluster.apply(
      pod({ namespace: ns, name: "bound", node: "n2", labels: bound, spec, command, ports: { dns: 7072 } }),
      pod({ namespace: ns, name: "wild", node: "n2", labels: wild, spec, ports: { dns: 7073 } }),
    );
    const ports = (targetPort: number) =>
      (["TCP", "UDP"] as const).map((protocol) => ({
        name: protocol.toLowerCase(),
        port: 53,
        protocol,
        targetPort,
      }));
    const others = [`${ns}/client`, "n1", "n3"];
    const own = [`${ns}/other`, "n2"];
    for (const address of await expose("bound", { selector: bound, ports: ports(7072) }))
      for (const question of [tcp(address, 53), udp(address, 53)])
        await answers(question, ["bound"], [...others, ...own]);
    for (const address of await expose("wild", { selector: wild, ports: ports(7073) })) {
      await answers(tcp(address, 53), ["wild"], [...others, ...own]);
      await answers(udp(address, 53), ["wild"], isOverlay() ? [...others, ...own] : others);
    }
  });

  test("a server in the host's network sees its clients through a Service: a pod as itself, a node by its management port", async () => {
    if (!isOverlay()) return;
    const management = async (node: string) =>
      (await cluster.field("node", "", node, "{.metadata.annotations.k8s\\.ovn\\.org/node-subnets}"))
        .match(/[0-9a-f.:]+(?=\/)/g)
        ?.map((network) => network.replace(/(::|\.0)$/, (end) => (end === "::" ? "::2" : ".2")));
    const seen = new Map([
      [`${ns}/client`, await cluster.addressesOf(ns, "client")],
      [`${ns}/other`, await cluster.addressesOf(ns, "other")],
      ["n1", await management("n1")],
      ["n2", ["169.254.0.5", "fd69::5"]],
    ]);
    const addresses = await cluster.clusterIpsOf(ns, "wild");
    for (const [source, wanted] of seen) {
      const results = await cluster.ask(
        source,
        addresses.flatMap((address) => [tcp(address, 53), udp(address, 53)]),
      );
      assert.deepEqual(
        results.map(({ words }) => words.split(" ")[2]),
        wanted?.flatMap((address) => [address, address]),
        source,
      );
    }
  });

  test("large answers of a server in the host's network arrive, and a closed port is refused, from its own node and from others", async () => {
    const program = `use Socket qw(IPPROTO_IPV6 IPV6_V6ONLY); use IO::Socket::IP;
      my $s = IO::Socket::IP->new(LocalHost => "::", LocalPort => 7074, Listen => 9, V6Only => 0) or die $@;
      while (my $c = $s->accept) { my $text = <$c>; print $c "x" x 300000; close $c }`;
    const labels = { app: "large" };
    const spec = { hostNetwork: true };
    const command = ["perl", "-e", program];
    await cluster.apply(
      pod({ namespace: ns, name: "large", node: "n2", labels, spec, command, ports: { web: 7074 } }),
    );
    const addresses = await expose("large", {
      selector: labels,
      ports: [
        { name: "tcp", port: 80, targetPort: 7074 },
        { name: "shut", port: 81, targetPort: 7075 },
        { name: "shut-udp", port: 81, protocol: "UDP", targetPort: 7075 },
      ],
    });
    const fetch = (address: string) =>
      `perl -MIO::Socket::IP -e '$s = IO::Socket::IP->new(PeerHost => "${address}", PeerPort => 80, Timeout => 5) or die $@; print $s "a" x 5000, "\\n"; $n += length while <$s>; print $n'`;
    for (const address of addresses)
      for (const source of [`${ns}/client`, `${ns}/other`, "n1", "n2"]) {
        const argv = ["sh", "-c", fetch(address)];
        const received = () =>
          source.includes("/")
            ? cluster.kubectl("exec", "-n", ns, source.replace(`${ns}/`, ""), "--", ...argv)
            : cluster.sandbox.host(source).exec(argv);
        await becomes(`${source} gets all of ${address}`, "300000", received);
        // The ICMP error for the UDP client does not pass OVN's hairpin.
        for (const question of source === "n2" ? [tcp(address, 81)] : [tcp(address, 81), udp(address, 81)])
          await eventually(`${source} is refused by ${question.way} ${address}`, async () => {
            const [result] = await cluster.ask(source, [question]);
            assert.match(result?.words ?? "", /refused/i);
            return true;
          });
      }
  });

  test("an endpoint that is not ready gets nothing, unless the Service publishes it", async () => {
    const labels = { app: "slow" };
    const file = "/tmp/slow-is-ready";
    await cluster.apply(
      pod({ namespace: ns, name: "slow", node: "n3", labels, readiness: ["test", "-e", file] }),
      pod({ namespace: ns, name: "quick", node: "n1", labels, readiness: ["true"] }),
    );
    const ports = [{ port: 80, targetPort: 8080 }];
    const [patient = ""] = await expose("patient", { selector: labels, ports });
    const [eager = ""] = await expose("eager", { selector: labels, ports, publishNotReadyAddresses: true });
    await answers(tcp(eager), ["quick", "slow"]);
    await answers(tcp(patient), ["quick"]);
    await cluster.kubectl("exec", "-n", ns, "slow", "--", "touch", file);
    await answers(tcp(patient), ["quick", "slow"]);
  });

  test("when nothing is ready, endpoints that still serve while they terminate are used", async () => {
    const labels = { app: "leaving" };
    const spec = { terminationGracePeriodSeconds: 120 };
    const leaving = pod({ namespace: ns, name: "leaving", node: "n2", labels, readiness: ["true"], spec });
    const [container] = leaving.spec.containers;
    const lingering = { ...container, lifecycle: { preStop: { sleep: { seconds: 110 } } } };
    await cluster.apply({ ...leaving, spec: { ...leaving.spec, containers: [lingering] } });
    const [v4 = "", v6 = ""] = await expose("leaving", {
      selector: labels,
      ports: [{ port: 80, targetPort: 8080 }],
    });
    await answers(tcp(v4), ["leaving"]);
    await cluster.kubectl("delete", "pod", "-n", ns, "leaving", "--wait=false");
    await becomes("the endpoint terminates", "true", async () =>
      cluster.kubectl(
        "get",
        "endpointslices",
        "-n",
        ns,
        "-l",
        "kubernetes.io/service-name=leaving",
        "-o",
        "jsonpath={.items[0].endpoints[0].conditions.terminating}",
      ),
    );
    for (const address of [v4, v6]) await answers(tcp(address), ["leaving"]);
    await cluster.apply(pod({ namespace: ns, name: "coming", node: "n3", labels, readiness: ["true"] }));
    for (const address of [v4, v6]) await answers(tcp(address), ["coming"]);
    await cluster.kubectl("delete", "pod", "-n", ns, "leaving", "--force", "--grace-period=0");
  });

  test("a Service with no endpoint refuses, by TCP and by UDP, and answers when one comes", async () => {
    const labels = { app: "late" };
    const [v4 = "", v6 = ""] = await expose("late", {
      selector: labels,
      ports: [
        { name: "tcp", port: 80, targetPort: 8080 },
        { name: "udp", port: 80, protocol: "UDP", targetPort: 8080 },
      ],
    });
    for (const source of [`${ns}/client`, `${ns}/other`, "n1", "n3"]) {
      for (const address of [v4, v6]) {
        for (const question of [tcp(address), udp(address)]) {
          await eventually(`${source} is refused by ${question.way} ${address}`, async () => {
            const [result] = await cluster.ask(source, [question]);
            assert.match(result?.words ?? "", /refused/i);
            return true;
          });
        }
      }
    }
    await cluster.apply(pod({ namespace: ns, name: "late", node: "n2", labels }));
    for (const address of [v4, v6]) await answers(tcp(address), ["late"]);
  });

  test("a pod reaches itself through its own Service", async () => {
    const labels = { app: "alone" };
    await cluster.apply(pod({ namespace: ns, name: "alone", node: "n2", labels }));
    const [v4 = "", v6 = ""] = await expose("alone", {
      selector: labels,
      ports: [
        { name: "tcp", port: 80, targetPort: 8080 },
        { name: "udp", port: 80, protocol: "UDP", targetPort: 8080 },
      ],
    });
    for (const address of [v4, v6])
      for (const question of [tcp(address), udp(address)])
        await answers(question, ["alone"], [`${ns}/alone`, `${ns}/client`]);
  });

  test("session affinity and SCTP are in the rows, and affinity is in the flows of every node", async () => {
    await expose("sticky", {
      selector: web,
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } },
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "sctp", port: 81, protocol: "SCTP", targetPort: 8080 },
      ],
    });
    const name = `name=${cluster.id}_svc_${ns}_sticky_tcp`;
    await eventually("the row has the time-out", async () =>
      (await cluster.rows("Load_Balancer", "options", name)).join().includes("affinity_timeout=600"),
    );
    await becomes("SCTP is a balancer of its own", ["sctp"], () =>
      cluster.rows("Load_Balancer", "protocol", `name=${cluster.id}_svc_${ns}_sticky_sctp`),
    );
    const [v4 = ""] = await cluster.clusterIpsOf(ns, "sticky");
    for (const name of cluster.chassis)
      await eventually(`${name} learns who got which endpoint of ${v4}`, async () => {
        const flows = await cluster.sandbox
          .host(name)
          .exec(["ovs-ofctl", "-O", "OpenFlow15", "dump-flows", "br-int"]);
        return new RegExp(`learn\\([^)]*idle_timeout=600,[^)]*ip_dst=${v4},`).test(
          flows.replaceAll("[]", ""),
        );
      });
  });

  // OVN learns a client's endpoint from a packet that it then drops (ls_in_lb_aff_learn), and the connection ends
  // there.
  test("with session affinity, all connections of a client but its first lead to one endpoint", async () => {
    const [v4 = "", v6 = ""] = await expose("faithful", {
      selector: web,
      sessionAffinity: "ClientIP",
      ports: [
        { name: "http", port: 80, targetPort: 8080 },
        { name: "dns", port: 53, protocol: "UDP", targetPort: 8080 },
      ],
    });
    const stays = async (source: string, question: Question): Promise<void> => {
      // One alone: of several first connections at once, each would teach OVN an endpoint of its own. From ports that the
      // kernel gives to nobody, since what comes later from the port of a lost connection is lost, too (decision 29).
      let fromPort = 20_000;
      await eventually(`${source} ▶ ${question.way} ${question.address} answers`, async () => {
        const [first] = await cluster.ask(source, [{ ...question, fromPort: fromPort++ }]);
        return first?.ok;
      });
      const ask = () => cluster.answering(source, question);
      const one = await ask();
      assert.ok(one.length === 1 && endpoints.includes(one[0] ?? ""), one.join());
      for (const _ of [1, 2]) assert.deepEqual(await ask(), one);
    };
    await Promise.all(
      [`${ns}/client`, `${ns}/other`, "n3"].flatMap((source) =>
        [tcp(v4), tcp(v6), udp(v4, 53), udp(v6, 53)].map((question) => stays(source, question)),
      ),
    );
  });

  test("a port of every node leads to all endpoints, from pods, nodes and machines beyond", async () => {
    const ports = (["TCP", "UDP"] as const).map((protocol) => ({
      ...{ name: protocol.toLowerCase(), protocol, port: 80, targetPort: 8080, nodePort: 30_080 },
    }));
    await expose("ported", { type: "NodePort", selector: web, ports });
    const from = [cluster.beyond, "n1", "n2", `${ns}/client`, `${ns}/web-n1`];
    for (const address of [...cluster.hostAddresses("n1"), ...cluster.hostAddresses("n3")])
      for (const question of [tcp(address, 30_080), udp(address, 30_080)])
        await Promise.all(from.map((client) => answers(question, endpoints, [client])));
  });

  test("a UDP client that keeps its port is answered by the next endpoint when its own goes", async () => {
    const labels = { app: "udp" };
    await cluster.apply(pod({ namespace: ns, name: "first", node: "n2", labels }));
    const [v4 = "", v6 = ""] = await expose("udp", {
      selector: labels,
      ports: [{ port: 53, protocol: "UDP", targetPort: 8080 }],
    });
    for (const address of [v4, v6]) await answers(udp(address, 53), ["first"]);
    const turns = [`${ns}/client`, "n3"].flatMap((source) =>
      [v4, v6].map((address) => ({ source, address })),
    );
    let [current, next] = ["first", "second"];
    for (const [index, { source, address }] of turns.entries()) {
      await using talk = talkUdp(cluster, source, address, 53, 40_000 + index);
      await talk.heard(current);
      await cluster.apply(pod({ namespace: ns, name: next, node: "n3", labels }));
      await cluster.podsReady(ns, next);
      await cluster.kubectl("delete", "pod", "-n", ns, current, "--now");
      await talk.heard(next);
      [current, next] = [next, current];
    }
  });

  test("UDP clients that never pause follow when one endpoint takes the place of another", async () => {
    const addresses = await expose("moving", { ports: [{ port: 53, protocol: "UDP", targetPort: 8080 }] });
    const places = new Map<string, readonly string[]>();
    for (const name of ["web-n2", "web-n3"]) places.set(name, await cluster.addressesOf(ns, name));
    const leadTo = (name: string): Promise<void> =>
      cluster.apply(
        ...(places.get(name) ?? []).map((address, family) =>
          slice({
            ...{ namespace: ns, name: `moving-${family}`, service: "moving", addresses: [address] },
            ports: [{ name: "", port: 8080, protocol: "UDP" }],
          }),
        ),
      );
    await leadTo("web-n2");
    await using stack = new AsyncDisposableStack();
    const talks = [`${ns}/client`, `${ns}/other`, "n3"].flatMap((source, index) =>
      addresses.map((address, family) =>
        stack.use(talkUdp(cluster, source, address, 53, 45_000 + 2 * index + family, 1)),
      ),
    );
    for (const name of ["web-n2", "web-n3", "web-n2", "web-n3", "web-n2", "web-n3"]) {
      await leadTo(name);
      await Promise.all(talks.map(({ heard }) => heard(name)));
    }
  });

  test("a client that is older than its Service is served when the Service comes, and when it comes again", async () => {
    const labels = { app: "late" };
    await cluster.apply(pod({ namespace: ns, name: "late", node: "n2", labels }));
    await cluster.podsReady(ns, "late");
    const spec = {
      selector: labels,
      ports: [
        { name: "dns", port: 53, protocol: "UDP", targetPort: 8080 },
        { name: "web", port: 80, targetPort: 8080 },
      ],
    };
    const addresses = await expose("late", spec);
    const gone = async (): Promise<void> => {
      await cluster.kubectl("delete", "service", "-n", ns, "late");
      await becomes("the balancers are gone", [undefined, undefined], async () => [
        await balancer("late"),
        await balancer("late", "udp"),
      ]);
    };
    await gone();
    const sources = [`${ns}/client`, "n3"];
    await using stack = new AsyncDisposableStack();
    const talks = sources.flatMap((source, index) =>
      addresses.map((address, family) =>
        stack.use(talkUdp(cluster, source, address, 53, 41_000 + 2 * index + family)),
      ),
    );
    for (let time = 0; time < 2; time++) {
      const asked = sources.map((source) =>
        cluster.failures(
          source,
          addresses.map((address) => tcp(address)),
        ),
      );
      await new Promise((resolve) => setTimeout(resolve, 700));
      await expose("late", { ...spec, clusterIPs: addresses });
      for (const talk of talks) await talk.hearsMore();
      assert.deepEqual((await Promise.all(asked)).flat(), []);
      if (time > 0) break;
      // The clients go on asking meanwhile.
      await gone();
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  });

  test("the rows of a Service are deleted with it", async () => {
    await cluster.kubectl("delete", "service", "-n", ns, "several", "host");
    for (const [name, protocol] of [
      ["several", "tcp"],
      ["several", "udp"],
      ["host", "tcp"],
      ["host", "udp"],
    ])
      await becomes("no row is left", [], async () =>
        (await cluster.rows("Load_Balancer", "name")).filter((row) =>
          row.startsWith(`${cluster.id}_svc_${ns}_${name}_${protocol}`),
        ),
      );
  });
});
