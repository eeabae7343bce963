// The sandbox's own half, without Weft: OVN central and nodes as a user's machines would be before Weft is installed.
// What the agent would do is done here by hand: encapsulation, a logical switch, one port on each node.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { downSandbox } from "../../sandbox/down.ts";
import { namespacesWith } from "../../sandbox/fabric/netns.ts";
import { plainAddress } from "../../sandbox/host.ts";
import { openSandbox, type Sandbox } from "../../sandbox/sandbox.ts";
import { exitCodeOf, printStatus, statusOf } from "../../sandbox/status.ts";
import { type UpOptions, upSandbox } from "../../sandbox/up.ts";
import { privateName } from "../real/privateName.ts";
import { eventually } from "./cluster.ts";

const base = mkdtempSync(join(tmpdir(), "weft-fabric-"));
const name = privateName("fabric");
const options: UpOptions = {
  name,
  nodes: 3,
  parts: "ovn",
  base,
};
const limit = { timeout: 60_000 };

interface Port {
  readonly node: string;
  readonly name: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

const near: Port = { node: "n1", name: "near", mac: "0a:58:0a:09:00:01", ipv4: "10.9.0.1", ipv6: "fd09::1" };
const far: Port = { node: "n3", name: "far", mac: "0a:58:0a:09:00:02", ipv4: "10.9.0.2", ipv6: "fd09::2" };

suite("a sandbox with OVN alone", () => {
  let sandbox: Sandbox;
  const machine = traces();

  before(async () => {
    sandbox = await upSandbox(options);
  }, limit);

  after(async () => {
    await sandbox.down();
    rmSync(base, { recursive: true, force: true });
  }, limit);

  test("every stack of the underlay reaches every other in both families", limit, async () => {
    const hosts = [...sandbox.nodes, sandbox.central, sandbox.outside];
    const pings = hosts.flatMap((from) =>
      hosts.flatMap(({ host }) => host.addresses.map((address) => from.exec(ping(plainAddress(address))))),
    );
    await Promise.all(pings);
  });

  test("two ports on different nodes ping through Geneve in both families", limit, async () => {
    await Promise.all(sandbox.nodes.map(({ host }) => joinOvn(sandbox, host.name)));
    await sandbox.central.exec(switchWith([near, far]));
    await Promise.all([near, far].map((port) => plug(sandbox, port)));
    await fromPort(sandbox, near, ping(far.ipv4));
    await fromPort(sandbox, near, ping(far.ipv6));
    const tunnels = await sandbox
      .host("n1")
      .exec(["ovs-vsctl", "--bare", "--columns=type", "find", "Interface", "type=geneve"]);
    assert.match(tunnels, /geneve/);
  });

  test(
    "TCP gets through between ports, nodes and the outside host, so checksums are right",
    limit,
    async () => {
      const n3 = plainAddress(sandbox.host("n3").host.addresses[0] ?? "");
      const greeting = await Promise.all([
        greet(
          sandbox,
          n3,
          (argv) => sandbox.host("n3").exec(argv),
          (argv) => sandbox.outside.exec(argv),
        ),
        greet(
          sandbox,
          far.ipv4,
          (argv) => fromPort(sandbox, far, argv),
          (argv) => fromPort(sandbox, near, argv),
        ),
      ]);
      assert.deepEqual(greeting, ["hello", "hello"]);
    },
  );

  test(
    "a node keeps its addresses and routes when ovs-vswitchd is killed and started again",
    limit,
    async () => {
      const node = sandbox.host("n2");
      await sandbox.processes.kill("n2-vswitchd", "SIGKILL");
      assert.equal(sandbox.processes.isAlive("n2-vswitchd"), false);
      assert.equal(exitCodeOf(statusOf(sandbox)), 1);
      await sandbox.processes.start("n2-vswitchd");
      for (const { host } of [sandbox.central, sandbox.outside])
        for (const address of host.addresses) await node.exec(ping(plainAddress(address)));
      assert.equal(exitCodeOf(statusOf(sandbox)), 0);
    },
  );

  test("a process that dies is restarted, and that is reported", limit, async () => {
    const { processes } = sandbox;
    const view = () => statusOf(sandbox).processes.find(({ name }) => name === "n3-vswitchd");
    const { pid } = processes.record("n3-vswitchd");
    process.kill(pid, "SIGSEGV");
    await eventually("it runs again", () => view()?.state === "running" && view()?.pid !== pid);
    await processes.ready("n3-vswitchd");
    assert.equal(view()?.deaths?.length, 1);
    assert.match(
      printStatus(statusOf(sandbox)),
      /all \d+ processes run; died and started again: n3-vswitchd;/,
    );
    assert.match(readFileSync(processes.logFile("n3-vswitchd"), "utf8"), new RegExp(`pid ${pid} has died`));
    for (const address of sandbox.host("n3").host.addresses)
      await sandbox.central.exec(ping(plainAddress(address)));
  });

  test("a paused process is alive, shows as paused and goes on", limit, async () => {
    const state = (): string | undefined =>
      statusOf(sandbox).processes.find(({ name }) => name === "central-northd")?.state;
    await sandbox.processes.pause("central-northd");
    assert.equal(sandbox.processes.isAlive("central-northd"), true);
    assert.equal(state(), "paused");
    await sandbox.processes.resume("central-northd");
    assert.equal(state(), "running");
  });

  test("up on a running sandbox starts only what has died", limit, async () => {
    const pids = (): Map<string, number | undefined> =>
      new Map(statusOf(sandbox).processes.map(({ name, pid }) => [name, pid]));
    const earlier = pids();
    await sandbox.processes.kill("central-northd", "SIGKILL");
    await upSandbox(options);
    const changed = [...pids()].filter(([name, pid]) => earlier.get(name) !== pid).map(([name]) => name);
    assert.deepEqual(changed, ["central-northd"]);
  });

  test("up with other settings is refused and names the way out", limit, async () => {
    await assert.rejects(upSandbox({ ...options, nodes: 2 }), /other settings.*weft sandbox down/);
  });

  test("down ends strangers inside, leaves nothing on the machine, and may be repeated", limit, async () => {
    const stranger = sandbox.host("n1").exec(["sh", "-c", "trap '' TERM; sleep 600 & wait; wait"]);
    await Promise.all([sandbox.down(), assert.rejects(stranger)]);
    assert.deepEqual(traces(), machine);
    assert.equal(existsSync(join(base, name)), false);
    assert.throws(() => openSandbox(name, base), new RegExp(`no sandbox ${name};`));
    await sandbox.down();
  });

  test("down removes namespaces that others hold, and says who they are", limit, async () => {
    await using held = await upSandbox(options);
    const [mounted = "", open = ""] = namespacesWith(held.layout.netnsPrefix).map(
      (each) => `/run/netns/${each}`,
    );
    const others = [
      // Mounts of /run/netns are shared, so this one covers the namespace's file for everyone.
      [
        "unshare",
        "--mount",
        "--propagation",
        "unchanged",
        "sh",
        "-c",
        `mount --bind ${mounted} ${mounted}; echo; exec sleep 600`,
      ],
      ["sh", "-c", `exec 9< ${open}; echo; exec sleep 600`],
    ].map(([file = "", ...args]) => spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] }));
    try {
      await Promise.all(others.map(({ stdout }) => once(stdout, "data")));
      const { holders } = await downSandbox(name, base);
      assert.deepEqual(holders, [{ pid: others[1]?.pid, command: "sleep 600" }]);
      assert.deepEqual(traces(), machine);
      assert.equal(existsSync(join(base, name)), false);
    } finally {
      for (const other of others) other.kill("SIGKILL");
    }
  });

  test("up cleans up after an up that crashed half-way", limit, async () => {
    await using crashed = await upSandbox(options);
    // What a killed `up` leaves: the marker of a starter that no longer exists, and a dead process.
    writeFileSync(join(crashed.layout.state, "starting"), "1 0");
    await crashed.processes.kill("n1-ovsdb", "SIGKILL");
    const again = await upSandbox(options);
    assert.equal(exitCodeOf(statusOf(again)), 0);
  });

  test("an up that is interrupted leaves nothing", limit, async () => {
    const stopping = new AbortController();
    const progress = (): void => stopping.abort();
    await assert.rejects(upSandbox({ ...options, progress, signal: stopping.signal }), {
      name: "AbortError",
    });
    assert.deepEqual(traces(), machine);
  });
});

/** What the agent would do to a fresh node. */
async function joinOvn(sandbox: Sandbox, name: string): Promise<void> {
  const node = sandbox.layout.nodeHosts.find((each) => each.name === name);
  assert.ok(node);
  const set = [
    `external_ids:system-id=chassis-${name}`,
    `external_ids:ovn-remote=${sandbox.layout.central.southbound}`,
    "external_ids:ovn-encap-type=geneve",
    `external_ids:ovn-encap-ip=${plainAddress(node.addresses[0] ?? "")}`,
  ];
  await sandbox.host(name).exec(["ovs-vsctl", "set", "Open_vSwitch", ".", ...set]);
}

function switchWith(ports: readonly Port[]): string[] {
  const commands = ports.flatMap(({ name, mac, ipv4, ipv6 }) => {
    const addresses = `${mac} ${ipv4} ${ipv6}`;
    return ["--", "lsp-add", "sw", name, "--", "lsp-set-addresses", name, addresses];
  });
  return ["ovn-nbctl", "ls-add", "sw", ...commands];
}

/** An internal port of br-int in a namespace of its own. Resolves when it is up in OVN. */
async function plug(sandbox: Sandbox, port: Port): Promise<void> {
  const node = sandbox.host(port.node);
  const netns = netnsOf(sandbox, port);
  await node.exec(["ip", "netns", "add", netns]);
  const pair = [
    "link",
    "add",
    "name",
    port.name,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "address",
    port.mac,
    "netns",
    netns,
  ];
  await node.exec(["ip", ...pair]);
  await node.exec(["ip", "link", "set", port.name, "up"]);
  const batch = `link set eth0 mtu 1442 up\naddr add ${port.ipv4}/24 dev eth0\naddr add ${port.ipv6}/64 dev eth0 nodad\n`;
  await node.exec(["ip", "-n", netns, "-batch", "-"], { input: batch });
  await fromPort(sandbox, port, ["ethtool", "-K", "eth0", "tx", "off"]);
  await node.exec([
    "ovs-vsctl",
    "add-port",
    "br-int",
    port.name,
    "--",
    "set",
    "Interface",
    port.name,
    `external_ids:iface-id=${port.name}`,
  ]);
  await sandbox.central.exec([
    "ovn-nbctl",
    "--timeout=20",
    "wait-until",
    "Logical_Switch_Port",
    port.name,
    "up=true",
  ]);
}

const netnsOf = (sandbox: Sandbox, port: Port): string => `${sandbox.layout.netnsPrefix}port-${port.name}`;

const fromPort = (sandbox: Sandbox, port: Port, argv: readonly string[]): Promise<string> =>
  sandbox.host(port.node).exec(["nsenter", `--net=/run/netns/${netnsOf(sandbox, port)}`, ...argv]);

/** Repeats until an answer comes: the userspace datapath drops packets for a tunnel until it has looked up the other end. */
const ping = (address: string): string[] => ["ping", "-n", "-c", "1", "-i", "0.1", "-w", "10", address];

type Exec = (argv: readonly string[]) => Promise<string>;

/** One TCP connection: the server says hello to the first client, which prints it. */
async function greet(sandbox: Sandbox, address: string, server: Exec, client: Exec): Promise<string> {
  const file = join(sandbox.layout.state, `listening-${address}`);
  const listen = `use IO::Socket::INET; my $s = IO::Socket::INET->new(Listen => 1, LocalPort => 7070) or die $!;
    open(my $f, ">", $ARGV[0]); close $f; my $c = $s->accept; print $c "hello"; close $c`;
  const connect = `use IO::Socket::INET; select(undef, undef, undef, 0.01) until -e $ARGV[1];
    my $c = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => 7070, Timeout => 10) or die $!; print <$c>`;
  const [, text] = await Promise.all([
    server(["timeout", "20", "perl", "-e", listen, file]),
    client(["timeout", "20", "perl", "-e", connect, address, file]),
  ]);
  return text;
}

/** Everything on the machine that a sandbox could leave behind, except other sandboxes' namespaces. */
function traces(): Readonly<Record<string, readonly string[]>> {
  const commands = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => (existsSync(`/proc/${pid}/cmdline`) ? readFileSync(`/proc/${pid}/cmdline`, "utf8") : ""));
  return {
    namespaces: namespacesWith(`weft-${name}-`),
    links: readdirSync("/sys/class/net"),
    mounts: readFileSync("/proc/mounts", "utf8")
      .split("\n")
      .filter((line) => line.includes(name) || line.includes(base)),
    processes: commands.filter((command) => command.includes(base)),
  };
}
