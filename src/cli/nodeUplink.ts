// `weft node uplink`: makes br-ex with the node's uplink in it, without losing the node. Exit status 0 when the uplink is
// where it should be, 1 when it is not, 2 when it was refused or could not be tried.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { vswitchOption } from "../config/nodeOptions.ts";
import { list, wholeNumber } from "../config/options.ts";
import { run } from "../node/host/run.ts";
import { configurationText, type Manager, managers } from "../node/uplink/advice.ts";
import {
  confirm,
  deviceOfDefaultRoute,
  move,
  type Node,
  type Planned,
  planMove,
  undo,
} from "../node/uplink/move.ts";
import { nameOf, type Target } from "../node/uplink/reach.ts";
import { readRecord, writeRecord } from "../node/uplink/record.ts";
import { readLinks } from "../node/uplink/stand.ts";
import { exitCodes } from "./exit.ts";
import { requireRoot, withVswitch } from "./nodeSession.ts";

interface Flags {
  readonly uplink?: string;
  readonly vswitch: string;
  readonly datapath: "system" | "netdev";
  readonly verify: readonly Target[];
  readonly verifyWithin: number;
  readonly confirmWithin?: number;
  readonly record: string;
  readonly dryRun?: true;
  readonly confirm?: true;
  readonly undo?: true;
  readonly configuration?: Manager;
  readonly guard?: string;
}

export const nodeUplinkCommand = (): Command =>
  new Command("uplink")
    .description(
      "put the uplink into br-ex and the node's addresses on it; puts everything back if something can no longer be reached",
    )
    .option("--uplink <interface>", "a card, bond, VLAN or veth; by default that of the default route")
    .addOption(vswitchOption())
    .addOption(
      new Option("--datapath <type>", "system: the kernel's; netdev: Open vSwitch's own, in userspace")
        .choices(["system", "netdev"])
        .default("system"),
    )
    .addOption(
      new Option(
        "--verify <list>",
        "servers HOST:PORT that must still be reachable afterwards, such as the API server",
      )
        .default([], "the gateways alone")
        .argParser(serversIn),
    )
    .addOption(
      new Option("--verify-within <seconds>", "how long to wait until everything can be reached again")
        .default(10)
        .argParser(wholeNumber(1, 600)),
    )
    .addOption(
      new Option(
        "--confirm-within <seconds>",
        "put everything back after this time unless `--confirm` follows",
      ).argParser(wholeNumber(5, 86_400)),
    )
    .option("--record <file>", "where a move on trial is recorded", "/run/weft/uplink.json")
    .option("--dry-run", "say what would be done, but do nothing")
    .option("--confirm", "keep a move that is waiting for confirmation")
    .option("--undo", "move everything back to the uplink, and remove br-ex")
    .addOption(
      new Option(
        "--configuration <program>",
        "print what to configure if another program will own br-ex",
      ).choices(managers),
    )
    .addOption(new Option("--guard <trial>").hideHelp())
    .action(async (flags: Flags) => {
      requireRoot("weft node uplink");
      if (flags.guard !== undefined) return guard(flags, flags.guard);
      if (flags.confirm) return confirmed(flags);
      if (flags.configuration !== undefined) return configuration(flags, flags.configuration);
      // The move also moves the terminal's own connection, and must not end if that breaks.
      process.on("SIGHUP", () => undefined);
      process.stdout.on("error", () => undefined);
      await withVswitch(flags.vswitch, async (db, writer) => {
        const node: Node = { db, writer, run, recordFile: flags.record };
        if (flags.undo) return undone(await undo(node));
        const planned = await planMove(node, { uplink: flags.uplink, servers: flags.verify });
        if (!planned)
          return console.log(
            "br-ex has the uplink and the node's addresses: nothing to do\nnext: weft check node",
          );
        if (flags.dryRun) return console.log(dryRunText(planned));
        return tryOut(node, flags, planned);
      });
    });

function serversIn(text: string): readonly Target[] {
  return list(text).map((each) => {
    const [, host = "", port = ""] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(each) ?? [];
    if (host === "")
      throw new InvalidArgumentError(`${each}: expected HOST:PORT, such as 10.0.0.1:6443 or [fd00::1]:6443`);
    return { is: "server", host, port: Number(port) };
  });
}

/** Longer than Open vSwitch may take to make the bridge. */
const graceSeconds = 12;

async function tryOut(node: Node, flags: Flags, planned: Planned): Promise<void> {
  const trial = randomUUID();
  const { stand } = planned;
  const record = { trial, uplink: stand.device, stand };
  const moved = await move(
    node,
    {
      uplink: flags.uplink,
      datapath: flags.datapath,
      servers: flags.verify,
      verifyMs: flags.verifyWithin * 1000,
      // For when this process dies.
      noted: () => startGuard(flags, trial, flags.verifyWithin + (flags.confirmWithin ?? 0) + graceSeconds),
    },
    planned,
    { ...record, state: "trying" },
  );
  if (moved.is !== "moved") return;
  const sentence = `${moved.uplink} is in br-ex, and ${moved.verified.join(", ")} still reached`;
  if (flags.confirmWithin === undefined) {
    await confirm(node, trial);
    return console.log(`${sentence}\nnext: weft check node`);
  }
  await writeRecord(flags.record, { ...record, state: "waiting for confirmation" });
  startGuard(flags, trial, flags.confirmWithin);
  console.log(
    `${sentence}; everything is put back in ${flags.confirmWithin} s unless you confirm\nnext: weft node uplink --confirm`,
  );
}

/** A process of its own, in a session of its own, that takes the move back when its time is over. */
function startGuard(flags: Flags, trial: string, seconds: number): void {
  const [, script = ""] = process.argv;
  const argv = ["node", "uplink", "--guard", trial, "--vswitch", flags.vswitch, "--record", flags.record];
  spawn(process.execPath, [script, ...argv, "--confirm-within", String(Math.max(5, seconds))], {
    detached: true,
    stdio: "ignore",
  }).unref();
}

/** Ends early when its trial is over, one way or another. */
async function guard(flags: Flags, trial: string): Promise<void> {
  const deadline = performance.now() + (flags.confirmWithin ?? 0) * 1000;
  while ((await readRecord(flags.record))?.trial === trial) {
    if (performance.now() < deadline) await pause(500);
    else {
      await withVswitch(flags.vswitch, (db, writer) => undo({ db, writer, run, recordFile: flags.record }));
      return;
    }
  }
}

async function confirmed(flags: Flags): Promise<void> {
  const uplink = await confirm({ recordFile: flags.record });
  if (uplink !== undefined) return console.log(`${uplink} stays in br-ex\nnext: weft check node`);
  console.log(
    "no move is waiting for confirmation: it was undone, or is already final\nnext: weft node uplink --dry-run",
  );
  process.exitCode = exitCodes.no;
}

function undone(uplink: string | undefined): void {
  console.log(
    uplink === undefined
      ? "there is no br-ex: nothing to do"
      : `the node's addresses are on ${uplink} again, and br-ex is gone`,
  );
}

async function configuration({ uplink }: Flags, manager: Manager): Promise<void> {
  const name = uplink ?? (await deviceOfDefaultRoute(run));
  const link = (await readLinks(run)).find(({ ifname }) => ifname === name);
  if (!link) throw new Error(`there is no interface ${name}`);
  console.log(configurationText(manager, name, link.address));
}

const dryRunText = ({ stand, batch, targets }: Planned): string =>
  [
    `would put ${stand.device} into br-ex and move ${stand.addresses.map(({ local, prefixlen }) => `${local}/${prefixlen}`).join(", ")} there`,
    batch.trimEnd(),
    `would verify: ${targets.map(nameOf).join(", ") || "nothing; name a server with --verify"}`,
    `next: ${["weft", ...process.argv.slice(2).filter((word) => word !== "--dry-run")].join(" ")}`,
  ].join("\n");
