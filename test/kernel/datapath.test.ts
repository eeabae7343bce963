// What the kernel datapath does and the userspace datapath does not: the rows of the README's table that name a
// datapath. It needs the module openvswitch, so `make test` does not run it;
// `make test-kernel` does.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Cluster, eventually } from "../sandbox/cluster.ts";
import { namespace, pod, service } from "../sandbox/manifests.ts";
import { Stream } from "../sandbox/stream.ts";

const ns = "kernel";
const web = { app: "web" };
const nodes = ["n1", "n2"];

suite("the kernel datapath", { timeout: 900_000 }, () => {
  let cluster: Cluster;
  const inPod = (name: string, ...argv: readonly string[]): Promise<string> =>
    cluster.kubectl("exec", "-n", ns, name, "--", ...argv);
  const expose = async (name: string, spec: object): Promise<readonly string[]> => {
    await cluster.apply(service({ namespace: ns, name, spec }));
    return await cluster.clusterIpsOf(ns, name);
  };

  before(async () => {
    cluster = await Cluster.up({ name: "testkernel", nodes: nodes.length, datapath: "kernel" });
    await cluster.apply(
      namespace(ns),
      pod({ namespace: ns, name: "client", node: "n1" }),
      pod({ namespace: ns, name: "other", node: "n1" }),
      pod({ namespace: ns, name: "web", node: "n2", labels: web }),
    );
    await cluster.podsReady(ns);
  });
  after(() => cluster?.[Symbol.asyncDispose]());

  test("all bridges of all nodes are in the kernel's datapath, and tunnels are ports of it", async () => {
    for (const node of nodes) {
      const show = await cluster.sandbox.host(node).exec(["ovs-appctl", "dpif/show"]);
      assert.deepEqual(show.match(/^\S+@\S+(?=:)/gm), ["system@ovs-system"]);
      for (const bridge of ["br-ex", "br-int"]) assert.match(show, new RegExp(`^  ${bridge}:`, "m"));
      assert.match(show, /genev_sys_6081|\(geneve: /);
    }
  });

  test("two pods of a node ping one outside address with the same ICMP identifier", async () => {
    for (const address of cluster.hostAddresses("outside")) {
      const ping = ["ping", "-n", "-c", "5", "-i", "0.5", "-e", "4711", address];
      const [one, two] = await Promise.all([inPod("client", ...ping), inPod("other", ...ping)]);
      for (const said of [one, two]) assert.match(said, / 5 received/);
    }
  });

  test("a datagram of several fragments reaches a Service and comes back", async () => {
    const ports = [{ port: 53, protocol: "UDP", targetPort: 8080 }];
    for (const address of await expose("large", { selector: web, ports }))
      for (const source of ["client", "web"])
        await eventually(`4000 bytes from ${source} to ${address} come back`, async () => {
          const heard = await inPod(source, "perl", "-MIO::Socket::IP", "-e", askLargely, address, "53");
          return Number(heard) > 4000;
        });
  });

  test("a Service is served by SCTP, from pods and from nodes", async () => {
    const labels = { app: "sctp" };
    const command = ["perl", "-e", `${sctp}; ${sctpServer}`];
    await cluster.apply(pod({ namespace: ns, name: "sctp", node: "n2", labels, command }));
    await cluster.podsReady(ns, "sctp");
    const ports = [{ port: 81, protocol: "SCTP", targetPort: 7000 }];
    const services = await expose("sctp", { selector: labels, ports });
    const direct = await cluster.addressesOf(ns, "sctp");
    for (const [addresses, port] of [
      [direct, "7000"],
      [services, "81"],
    ] as const)
      for (const address of addresses) {
        const ask = ["perl", "-e", `${sctp}; ${sctpClient}`, address, port];
        await eventually(
          `client hears from ${address}`,
          async () => (await inPod("client", ...ask)) === "here",
        );
        for (const node of nodes)
          await eventually(
            `${node} hears from ${address}`,
            async () => (await cluster.sandbox.host(node).exec(ask)) === "here",
          );
      }
  });

  test("connections go on while ovs-vswitchd and its database are away", async () => {
    const stream = await Stream.start(cluster, { namespace: ns, name: "stream", from: "n1", to: "n2" });
    const { processes } = cluster.sandbox;
    await processes.kill("n2-ovsdb", "SIGKILL");
    await stream.goesOn();
    await processes.kill("n2-vswitchd", "SIGKILL");
    await stream.goesOn();
    await processes.start("n2-ovsdb");
    await processes.start("n2-vswitchd");
    await stream.expectGapOfAtMost(10_000);
  });
});

const askLargely = `my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or die $@;
  syswrite $s, "x" x 4000; my $in = ""; vec($in, fileno $s, 1) = 1;
  if (select $in, undef, undef, 5) { sysread $s, my $got, 9000; print length $got } else { print 0 }`;

/** Perl's own modules know no SCTP (IPPROTO_SCTP is 132). `address` takes a host's and gives a socket's. */
const sctp = `use Socket qw(:DEFAULT :addrinfo IPPROTO_IPV6 IPV6_V6ONLY); $SIG{ALRM} = sub { exit 1 };
  sub address { my ($error, $found) = getaddrinfo($_[0], $_[1], { flags => AI_NUMERICHOST, socktype => SOCK_STREAM }); die $error if $error; ($found->{family}, $found->{addr}) }
  sub made { socket my $s, $_[0], SOCK_STREAM, 132 or die "SCTP: $!"; setsockopt $s, IPPROTO_IPV6, IPV6_V6ONLY, 1 if $_[0] == AF_INET6; $s }`;
const sctpServer = `for my $any ("0.0.0.0", "::") { next if fork;
    my ($family, $address) = address($any, 7000); my $s = made($family);
    bind $s, $address or die "bind $any: $!"; listen $s, 9 or die "listen $any: $!";
    while (accept my $c, $s) { sysread $c, my $text, 99; syswrite $c, "here"; close $c } } 1 while wait != -1`;
const sctpClient = `alarm 8; my ($family, $address) = address(@ARGV); my $s = made($family);
  connect $s, $address or die "connect $ARGV[0]: $!"; syswrite $s, "hello"; sysread $s, my $text, 99; print $text`;
