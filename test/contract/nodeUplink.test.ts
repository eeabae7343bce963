// `weft node uplink` on real Open vSwitch and the machine's own kernel: a host as its installer left it, with addresses and
// routes on the card; and from outside, TCP connections that must live through all of it.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { plainAddress } from "../../sandbox/host.ts";
import type { RunResult } from "../../sandbox/process/run.ts";
import type { Sandbox, SandboxHost } from "../../sandbox/sandbox.ts";
import { upSandbox } from "../../sandbox/up.ts";
import { privateName } from "../real/privateName.ts";
import { until } from "../real/until.ts";

const weft = join(import.meta.dirname, "../../src/main.ts");
const gateways = ["172.30.0.1", "fd00:172:30::1"];

suite("weft node uplink", { timeout: 240_000 }, () => {
  let sandbox: Sandbox;
  let node: SandboxHost;
  let folder: string;
  const children: ChildProcess[] = [];

  const uplinkCommand = (...args: readonly string[]): readonly string[] => {
    const paths = [
      "--vswitch",
      `unix:${sandbox.layout.nodeHosts[0]?.ovs}/db.sock`,
      "--record",
      join(folder, "uplink.json"),
    ];
    return [process.execPath, weft, "node", "uplink", "--datapath", "netdev", ...paths, ...args];
  };
  const uplink = (...args: readonly string[]): Promise<RunResult> => node.tryExec(uplinkCommand(...args));
  const ip = (...args: readonly string[]) => node.exec(["ip", ...args]);
  /** Addresses and routes without the numbers of interfaces, and what Open vSwitch has. */
  const state = async () => ({
    addresses: [
      await ip("-brief", "-4", "address"),
      await ip("-brief", "-6", "address", "show", "scope", "global"),
    ],
    routes: [
      await ip("-4", "route"),
      await ip("-6", "route", "show", "default"),
      await ip("route", "show", "table", "77"),
    ],
    bridges: await node.exec(["ovs-vsctl", "list-br"]),
    tables: await node.exec(["nft", "list", "tables"]),
  });
  const onDevice = async (device: string) => {
    const shown = await ip("-brief", "address", "show", "dev", device, "scope", "global");
    return shown
      .trim()
      .split(/\s+/)
      .slice(2)
      .filter((text) => text.includes("/"))
      .toSorted();
  };
  const own = () => [...node.host.addresses, "172.30.0.77/32"].toSorted();

  /** The host as its installer left it: no bridge, addresses and routes on the card. */
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "weft-uplink-"));
    sandbox = await upSandbox({ name: privateName("uplink"), nodes: 1, parts: "ovn" });
    node = sandbox.host("n1");
    await node.exec(["ovs-vsctl", "del-br", "br-ex"]);
    await node.exec(["nft", "delete", "table", "netdev", "sandbox"]);
    await node.tryExec(["ip", "link", "delete", "br-ex"]);
    await ip("link", "set", "eth0", "up", "addrgenmode", "eui64");
    await node.exec(["ethtool", "-K", "eth0", "tx", "off"]);
    for (const address of own())
      await ip("address", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : []));
    for (const gateway of gateways) await ip("route", "add", "default", "via", gateway, "dev", "eth0");
    await ip(
      "route",
      "add",
      "192.0.2.0/24",
      "via",
      "172.30.0.100",
      "dev",
      "eth0",
      "metric",
      "50",
      "mtu",
      "1400",
    );
    await ip(
      "route",
      "add",
      "198.51.100.0/24",
      "dev",
      "eth0",
      "table",
      "77",
      "src",
      plainAddress(node.host.addresses[0] ?? ""),
    );
    await stream();
  });
  after(async () => {
    for (const child of children) {
      const ended = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await ended;
    }
    await sandbox?.down();
    await rm(folder, { recursive: true });
  });

  /** A firewall that knows the card and not the bridge. */
  const strict =
    'table inet strict { chain output { type filter hook output priority 0; oifname "br-ex" drop; }; }';

  let answers = 0;
  let ended = false;
  /** An echo server on the node, and from outside one connection to it that asks ten times a second, as a shell over SSH. */
  async function stream(): Promise<void> {
    const server =
      'use IO::Socket::IP; my $s = IO::Socket::IP->new(Listen=>5, LocalPort=>2222, ReuseAddr=>1) or die; print "on\\n"; $|=1; print ""; my $c = $s->accept; while (sysread($c, my $b, 64)) { syswrite($c, $b) }';
    const client = `use IO::Socket::IP; $|=1; my $c = IO::Socket::IP->new(PeerHost=>"${plainAddress(node.host.addresses[0] ?? "")}", PeerPort=>2222) or die "no: $@"; while (1) { syswrite($c, "x"); sysread($c, my $b, 64) or exit 1; print "$b"; select(undef, undef, undef, 0.1) }`;
    const start = (host: SandboxHost, code: string): ChildProcess => {
      const [command = "", ...args] = host.command(["perl", "-e", code]);
      const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
      children.push(child);
      return child;
    };
    start(node, server);
    await until(
      "the server listens",
      async () => (await node.exec(["ss", "-Hltn", "sport", "=", "2222"])) !== "",
    );
    const asking = start(sandbox.outside, client);
    asking.stdout?.on("data", (chunk: Buffer) => (answers += chunk.length));
    asking.on("exit", () => (ended = true));
    await streams();
  }
  /** The same connection still gets answers. */
  async function streams(): Promise<void> {
    const had = answers;
    await until("the connection gets answers", () => answers > had + 2);
    assert.equal(ended, false);
  }

  test("a dry run says what would be done and verified, and changes nothing", async () => {
    const before = await state();
    const { status, stdout } = await uplink("--dry-run");
    assert.equal(status, 0);
    assert.match(
      stdout,
      /^would put eth0 into br-ex and move 172\.30\.0\.11\/24, 172\.30\.0\.77\/32, fd00:172:30::11\/64 there\n/,
    );
    assert.match(stdout, /^would verify: gateway 172\.30\.0\.1, gateway fd00:172:30::1$/m);
    assert.match(stdout, /^next: weft node uplink /m);
    assert.deepEqual(await state(), before);
  });

  /** What it is, commands that make it, flags, commands that undo it, the refusal. */
  const refusals: readonly (readonly [
    string,
    readonly string[],
    readonly string[],
    readonly string[],
    RegExp,
  ])[] = [
    [
      "a br-ex with someone else's ports",
      [
        "ovs-vsctl add-br br-ex -- set Bridge br-ex datapath_type=netdev -- add-port br-ex theirs -- set Interface theirs type=internal",
      ],
      [],
      ["ovs-vsctl del-br br-ex"],
      /br-ex has ports that are not Weft's \(theirs\).*Nothing has been changed/,
    ],
    [
      "a br-ex that somebody programs",
      [
        "ovs-vsctl add-br br-ex -- set Bridge br-ex datapath_type=netdev -- set-controller br-ex tcp:192.0.2.1:6653",
      ],
      [],
      ["ovs-vsctl del-br br-ex"],
      /another OpenFlow controller programs br-ex/,
    ],
    [
      "a Linux bridge called br-ex",
      ["ip link add br-ex type bridge"],
      [],
      ["ip link delete br-ex"],
      /there is an interface br-ex that does not belong to Open vSwitch/,
    ],
    [
      "a port of a Linux bridge",
      [
        "ip link add br7 type bridge",
        "ip link add v7 type veth peer name w7",
        "ip link set v7 master br7 up",
      ],
      ["--uplink", "v7"],
      ["ip link delete br7", "ip link delete v7"],
      /v7 is part of br7: name that one/,
    ],
    [
      "an address from DHCP",
      ["ip address change 172.30.0.77/32 dev eth0 valid_lft 3600 preferred_lft 3600"],
      [],
      ["ip address change 172.30.0.77/32 dev eth0 valid_lft forever preferred_lft forever"],
      /eth0 has 172\.30\.0\.77 from DHCP or router advertisements.*--configuration networkd\|networkmanager\|netplan/,
    ],
    ["an interface that is not there", [], ["--uplink", "eth7"], [], /there is no interface eth7/],
  ];
  for (const [what, make, args, unmake, message] of refusals)
    test(`${what} is refused before anything is changed`, async () => {
      for (const command of make) await node.exec(command.split(" "));
      const before = await state();
      const { status, stderr } = await uplink(...args);
      const after = await state();
      for (const command of unmake) await node.exec(command.split(" "));
      assert.equal(status, 2, stderr);
      assert.match(stderr, message);
      assert.deepEqual(after, before);
    });

  test("without anything to verify by, the uplink stays where it is", async () => {
    const before = await state();
    for (const gateway of gateways) await ip("route", "delete", "default", "via", gateway, "dev", "eth0");
    const { status, stderr } = await uplink("--uplink", "eth0");
    for (const gateway of gateways) await ip("route", "add", "default", "via", gateway, "dev", "eth0");
    assert.equal(status, 2);
    assert.match(stderr, /nothing to verify the move by/);
    assert.deepEqual(await state(), before);
  });

  test("a move after which something is not reached any more is taken back, and connections live on", async () => {
    await node.exec(["nft", strict]);
    const before = await state();
    const { status, stderr } = await uplink("--verify-within", "2");
    const after = await state();
    await node.exec(["nft", "delete table inet strict"]);
    assert.equal(status, 2, stderr);
    assert.match(
      stderr,
      /with eth0 in br-ex, gateway 172\.30\.0\.1, gateway fd00:172:30::1 is not reached\. Everything is back on eth0/,
    );
    assert.deepEqual(after, before);
    await streams();
  });

  test("the uplink moves, with all addresses, routes and connections", async () => {
    const { status, stdout, stderr } = await uplink(
      "--verify",
      `${plainAddress(sandbox.central.host.addresses[0] ?? "")}:6642`,
    );
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /^eth0 is in br-ex, and gateway 172\.30\.0\.1, gateway fd00:172:30::1, \S+:6642 still reached\n/,
    );
    assert.deepEqual(await onDevice("br-ex"), own());
    assert.deepEqual(await onDevice("eth0"), []);
    const { routes } = await state();
    assert.match(routes[0] ?? "", /^default via 172\.30\.0\.1 dev br-ex/m);
    assert.match(routes[0] ?? "", /^192\.0\.2\.0\/24 via 172\.30\.0\.100 dev br-ex metric 50 mtu 1400/m);
    assert.match(routes[1] ?? "", /^default via fd00:172:30::1 dev br-ex/m);
    assert.match(routes[2] ?? "", /^198\.51\.100\.0\/24 dev br-ex .*src 172\.30\.0\.11/m);
    await streams();
  });

  test("once moved, there is nothing to do", async () => {
    const before = await state();
    const { status, stdout } = await uplink();
    assert.equal(status, 0);
    assert.match(stdout, /: nothing to do\n/);
    assert.deepEqual(await state(), before);
  });

  test("it moves back, and the node is as it was", async () => {
    const { status, stdout, stderr } = await uplink("--undo");
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^the node's addresses are on eth0 again, and br-ex is gone/);
    await until(
      "br-ex is gone",
      async () => (await node.tryExec(["ip", "link", "show", "br-ex"])).status !== 0,
    );
    assert.deepEqual(await onDevice("eth0"), own());
    assert.match(await ip("-4", "route"), /^default via 172\.30\.0\.1 dev eth0/m);
    await streams();
  });

  const backOnTheCard = () =>
    until("everything is back on eth0", async () => (await onDevice("eth0")).length === own().length, 60_000);

  test("a move that nobody confirms in time is taken back", async () => {
    const { status, stdout, stderr } = await uplink("--confirm-within", "5");
    assert.equal(status, 0, stderr);
    assert.match(
      stdout,
      /everything is put back in 5 s unless you confirm\nnext: weft node uplink --confirm\n$/,
    );
    assert.deepEqual(await onDevice("br-ex"), own());
    await backOnTheCard();
    assert.match(await ip("-4", "route"), /^default via 172\.30\.0\.1 dev eth0/m);
    await streams();
  });

  test("a command that is killed half-way has a guard that takes its move back", async () => {
    await node.exec(["nft", strict]);
    const [command = "", ...args] = node.command(uplinkCommand("--verify-within", "1"));
    const killed = spawn(command, args, { stdio: "ignore" });
    children.push(killed);
    await until("addresses are on the bridge", async () => {
      const shown = await node.tryExec(["ip", "-brief", "address", "show", "dev", "br-ex"]);
      return shown.stdout.includes("172.30.0.77");
    });
    killed.kill("SIGKILL");
    await node.exec(["nft", "delete table inet strict"]);
    assert.deepEqual(await onDevice("br-ex"), own());
    await backOnTheCard();
    await streams();
  });

  test("a move that is confirmed stays", async () => {
    assert.equal((await uplink("--confirm-within", "30")).status, 0);
    const { status, stdout } = await uplink("--confirm");
    assert.deepEqual([status, stdout], [0, "eth0 stays in br-ex\nnext: weft check node\n"]);
    assert.equal((await uplink("--confirm")).status, 1);
    assert.deepEqual(await onDevice("br-ex"), own());
    await streams();
  });

  test("after a reboot the node has its addresses on its card, and the same command moves them again", async () => {
    // What Open vSwitch's start script does, and then what the machine's own configuration does.
    const transient = await node.exec([
      "ovs-vsctl",
      "--bare",
      "--columns=name",
      "find",
      "Port",
      "other_config:transient=true",
    ]);
    assert.equal(transient.trim(), "eth0");
    await node.exec(["ovs-vsctl", "del-port", "br-ex", "eth0"]);
    await node.exec(["nft", "flush", "ruleset"]);
    await ip("address", "flush", "dev", "br-ex");
    await ip("link", "set", "br-ex", "down");
    for (const address of own())
      await ip("address", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : []));
    for (const gateway of gateways) await ip("route", "add", "default", "via", gateway, "dev", "eth0");
    await streams();
    const { status, stderr } = await uplink();
    assert.equal(status, 0, stderr);
    assert.deepEqual(await onDevice("br-ex"), own());
    await streams();
  });

  test("what to configure elsewhere is printed with the node's own names", async () => {
    const { stdout } = await uplink("--uplink", "eth0", "--configuration", "netplan");
    assert.match(stdout, new RegExp(`interfaces: \\[eth0\\]\n +macaddress: ${node.host.mac}`));
  });
});
