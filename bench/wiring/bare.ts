// The limit for Weft's CNI ADD: the same wiring by one process on the node that already knows everything. It inserts a port
// into the northbound database or claims a ready one, makes the link, plugs it in and waits until packets can pass, by raw
// JSON-RPC: no schema, no Kubernetes, no Weft. Before that a program is started on the node that does nothing, since a
// runtime starts a plugin for every pod (BenchRuntime.addBare). Reads a JSON line for each pod from stdin (see Wiring),
// and answers with its host interface when packets can pass, as a JSON line.

import { spawn } from "node:child_process";
import net from "node:net";
import { createInterface } from "node:readline";

/** Where the port comes from: inserted into the database now, or ready and claimed through a row of the node. */
export type Origin =
  | { readonly kind: "new"; readonly northbound: string; readonly switchUuid: string }
  | { readonly kind: "ready"; readonly queueUuid: string };

export interface Wiring {
  readonly origin: Origin;
  readonly vswitch: string;
  readonly bridgeUuid: string;
  readonly port: string;
  /** The interface's external_ids. */
  readonly externalIds: Readonly<Record<string, string>>;
  /** The VLAN of a nested port. */
  readonly tag?: number | undefined;
  /** What confirms that packets can pass: ovn-controller, or ovs-vswitchd by opening the interface. */
  readonly completedBy: "ovn-controller" | "ovs-vswitchd";
  readonly mac: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
  readonly gateways: readonly string[];
  readonly netns: string;
  readonly hostInterface: string;
  readonly mtuBytes: number;
}

type Json = Readonly<Record<string, unknown>>;

interface Connection {
  readonly send: (method: string, params: readonly unknown[]) => void;
  readonly end: () => void;
}

/** A connection to one OVSDB server: sends requests, and passes on every message. */
function connect(path: string, onMessage: (message: Json) => void): Connection {
  let text = "";
  const socket = net.connect(path);
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    for (let end = endOfObject(text); end > 0; end = endOfObject(text)) {
      onMessage(JSON.parse(text.slice(0, end)));
      text = text.slice(end);
    }
  });
  let id = 0;
  return {
    send: (method, params) => void socket.write(JSON.stringify({ method, params, id: id++ })),
    end: () => void socket.end(),
  };
}

/** These replies have no braces in strings, so counting braces finds the end of a message. */
function endOfObject(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "{") depth++;
    else if (text[i] === "}" && --depth === 0) return i + 1;
  }
  return 0;
}

function command(argv: readonly string[], input = ""): Promise<void> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, { stdio: ["pipe", "ignore", "inherit"] });
  // A command that ends without reading breaks the pipe; its exit status tells more.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${argv.join(" ")}: ${code}`))));
  });
}

/** Resolves when packets can pass. */
async function attach(wiring: Wiring): Promise<void> {
  const complete = Promise.withResolvers<void>();
  const northbound =
    wiring.origin.kind === "new" ? insertPort(wiring, wiring.origin, complete.reject) : undefined;
  const vswitch = connect(wiring.vswitch, (message) => {
    const error = errorIn(message);
    if (error) complete.reject(error);
    if (isComplete(wiring, JSON.stringify(message))) complete.resolve();
  });
  vswitch.send("monitor_cond", [
    "Open_vSwitch",
    null,
    { Interface: [{ columns: ["external_ids", "ofport"], where: [["name", "==", wiring.hostInterface]] }] },
  ]);
  try {
    await Promise.all([wire(wiring, vswitch), complete.promise]);
  } finally {
    vswitch.end();
    northbound?.end();
  }
}

async function wire(wiring: Wiring, vswitch: Connection): Promise<void> {
  const { hostInterface, netns, mtuBytes, mac } = wiring;
  const inPod = ["nsenter", `--net=${netns}`];
  const peer = `peer name eth0 mtu ${mtuBytes} address ${mac} netns ${netns}`;
  await command(
    ["ip", "-batch", "-"],
    `link add ${hostInterface} mtu ${mtuBytes} type veth ${peer}\nlink set ${hostInterface} addrgenmode none up\n`,
  );
  vswitch.send("transact", [
    "Open_vSwitch",
    ...claim(wiring),
    {
      op: "insert",
      table: "Interface",
      "uuid-name": "interface",
      row: { name: hostInterface, external_ids: ["map", Object.entries(wiring.externalIds)] },
    },
    {
      op: "insert",
      table: "Port",
      "uuid-name": "port",
      row: {
        name: hostInterface,
        interfaces: ["named-uuid", "interface"],
        ...(wiring.tag !== undefined && { tag: wiring.tag, vlan_mode: "access" }),
      },
    },
    {
      op: "mutate",
      table: "Bridge",
      where: [["_uuid", "==", ["uuid", wiring.bridgeUuid]]],
      mutations: [["ports", "insert", ["named-uuid", "port"]]],
    },
  ]);
  const lines = [
    ...wiring.addresses.map(
      (address) => `address add ${address} dev eth0${address.includes(":") ? " nodad" : ""}`,
    ),
    "link set eth0 up",
    ...wiring.gateways.map(
      (gateway) => `route add ${gateway.includes(":") ? "::/0" : "0.0.0.0/0"} via ${gateway} dev eth0`,
    ),
  ];
  await command([...inPod, "ip", "-batch", "-"], lines.map((line) => `${line}\n`).join(""));
  await command([...inPod, "ethtool", "-K", "eth0", "tx", "off"]);
}

function insertPort(
  { mac, addresses: all, port }: Wiring,
  { northbound, switchUuid }: Extract<Origin, { readonly kind: "new" }>,
  fail: (error: Error) => void,
): Connection {
  const addresses = [mac, ...all.map((address) => address.replace(/\/.*/, ""))].join(" ");
  const connection = connect(northbound, (message) => {
    const error = errorIn(message);
    if (error) fail(error);
  });
  connection.send("transact", [
    "OVN_Northbound",
    {
      op: "insert",
      table: "Logical_Switch_Port",
      "uuid-name": "port",
      row: { name: port, addresses, port_security: addresses },
    },
    {
      op: "mutate",
      table: "Logical_Switch",
      where: [["_uuid", "==", ["uuid", switchUuid]]],
      mutations: [["ports", "insert", ["named-uuid", "port"]]],
    },
  ]);
  return connection;
}

/** Takes a ready port. The transaction fails if the port is no longer free. */
function claim({ origin }: Wiring): readonly Json[] {
  if (origin.kind === "new") return [];
  const row = { table: "Queue", where: [["_uuid", "==", ["uuid", origin.queueUuid]]] };
  const ids = (state: string) => ({ external_ids: ["map", [["state", state]]] });
  const free = { columns: ["external_ids"], until: "==", rows: [ids("ready")], timeout: 0 };
  return [
    { op: "wait", ...row, ...free },
    { op: "update", ...row, row: ids("claimed") },
  ];
}

function isComplete({ completedBy }: Wiring, message: string): boolean {
  return completedBy === "ovn-controller"
    ? message.includes('["ovn-installed","true"]')
    : /"ofport":[1-9]/.test(message);
}

function errorIn(message: Json): Error | undefined {
  const text = JSON.stringify(message);
  return text.includes('"error":"') || text.includes('"details"') ? new Error(text) : undefined;
}

for await (const line of createInterface({ input: process.stdin })) {
  const wiring: Wiring = JSON.parse(line);
  const { hostInterface } = wiring;
  attach(wiring).then(
    () => console.log(JSON.stringify({ hostInterface })),
    (error: unknown) => console.log(JSON.stringify({ hostInterface, error: String(error) })),
  );
}
