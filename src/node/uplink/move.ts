// Moves the node's addresses and routes from the uplink to br-ex without losing the node: the move is verified, and
// taken back unless everything that was reached before is reached again (docs/decisions/0036-uplink-on-trial.md). Every
// step is repeatable; a node whose uplink is where it should be is left alone.

import { setTimeout as pause } from "node:timers/promises";
import { onNode } from "../../model/names.ts";
import type { Run } from "../host/run.ts";
import type { Vswitch } from "../ovs/vswitch.ts";
import type { Writer } from "../ovs/writer.ts";
import { bridgeIsMade, externalBridgeIn, makeBridge, removeBridge } from "./bridge.ts";
import { uplinkAmong, uplinkMark } from "./obstacles.ts";
import { gatewaysOf, nameOf, reached, type Target, unreached } from "./reach.ts";
import { forgetRecord, readRecord, type TrialRecord, writeRecord } from "./record.ts";
import { shield, shieldTable } from "./shield.ts";
import { moveBatch, readLinks, readStand, type Stand, type StandLink } from "./stand.ts";

const bridge = onNode.externalBridge;

export interface Node {
  readonly db: Vswitch;
  readonly writer: Writer;
  readonly run: Run;
  /** Where the record of a trial is. */
  readonly recordFile: string;
}

export interface MoveOptions {
  /** By default the device of the best default route. */
  readonly uplink: string | undefined;
  readonly datapath: "system" | "netdev";
  /** Besides the gateways. */
  readonly servers: readonly Target[];
  /** How long it may take until everything is reached again. */
  readonly verifyMs: number;
  /** Called once the trial is recorded, before anything is changed. */
  readonly noted: () => void;
}

export type Moved =
  | { readonly is: "as it should be"; readonly uplink: string }
  | {
      readonly is: "moved";
      readonly uplink: string;
      readonly trial: string;
      readonly verified: readonly string[];
    };

export interface Planned {
  readonly uplink: StandLink;
  readonly stand: Stand;
  readonly batch: string;
  readonly targets: readonly Target[];
}

/** What a move would do; undefined when there is nothing to do. Throws when it is refused. Changes nothing. */
export async function planMove(
  node: Node,
  options: Pick<MoveOptions, "uplink" | "servers">,
): Promise<Planned | undefined> {
  const links = await readLinks(node.run);
  const externalBridge = externalBridgeIn(node.db);
  const local = links.find(({ ifname }) => ifname === bridge);
  const hasAddress = local?.addr_info.some(({ scope }) => scope === "global") ?? false;
  const unfinished = await readRecord(node.recordFile);
  if (unfinished) {
    throw new Error(
      `a move of ${unfinished.uplink} is ${unfinished.state === "trying" ? "under way" : "waiting for confirmation"}: weft node uplink --confirm keeps it, --undo takes it back`,
    );
  }
  if (externalBridge && hasAddress && externalBridge.ports.some(({ name }) => name !== bridge)) {
    const uplink = options.uplink ?? externalBridge.mark;
    if (uplink === undefined || externalBridge.ports.some(({ name }) => name === uplink)) return undefined;
  }
  const name = options.uplink ?? (await deviceOfDefaultRoute(node.run));
  const uplink = uplinkAmong({ links, externalBridge }, name);
  const stand = await readStand(node.run, uplink);
  if (stand.addresses.length === 0)
    throw new Error(`${name} has no address to move; is it the node's uplink?`);
  const targets = [...gatewaysOf(stand), ...options.servers];
  return { uplink, stand, batch: moveBatch(stand, name, bridge), targets };
}

export async function deviceOfDefaultRoute(run: Run): Promise<string> {
  for (const family of ["-4", "-6"] as const) {
    const printed = await run(["ip", family, "route", "show", "default"]).catch(() => "");
    const device = / dev (\S+)/.exec(printed)?.[1];
    if (device !== undefined) return device;
  }
  throw new Error(
    "there is no default route that shows which interface is the uplink: name it with --uplink",
  );
}

/** Rejects, with everything as it was, when something that was reached before is not reached any more. */
export async function move(
  node: Node,
  options: MoveOptions,
  planned: Planned,
  record: TrialRecord,
): Promise<Moved> {
  const { stand, targets } = planned;
  const uplink = stand.device;
  const before = await reached(node.run, targets);
  if (before.length === 0) {
    throw new Error(
      `nothing to verify the move by${targets.length > 0 ? `: ${targets.map(nameOf).join(", ")} cannot be reached even now` : ": there is no gateway"}. Name a server that this node must reach: --verify HOST:PORT. Nothing has been changed`,
    );
  }
  await writeRecord(node.recordFile, record);
  options.noted();
  try {
    await makeBridge(node.db, node.writer, {
      uplink,
      mac: stand.mac,
      mtu: stand.mtu,
      datapath: options.datapath,
    });
    await madeInTime(node.db, uplink);
    if (options.datapath === "netdev") await node.run(["nft", "-f", "-"], { stdin: shield(uplink) });
    await node.run(["ip", "-batch", "-"], { stdin: planned.batch });
    const missing = await unreached(node.run, before, options.verifyMs);
    if (missing.length > 0)
      throw new Error(`with ${uplink} in ${bridge}, ${missing.map(nameOf).join(", ")} is not reached`);
  } catch (error) {
    await takeBack(node, stand);
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`${why}. Everything is back on ${uplink}`, { cause: error });
  }
  return { is: "moved", uplink, trial: record.trial, verified: before.map(nameOf) };
}

const bridgeMs = 10_000;

async function madeInTime(db: Vswitch, uplink: string): Promise<void> {
  const deadline = performance.now() + bridgeMs;
  while (!bridgeIsMade(db, uplink)) {
    if (performance.now() > deadline)
      throw new Error(`Open vSwitch has not made ${bridge} in ${bridgeMs / 1000} s; does ovs-vswitchd run?`);
    await pause(20);
  }
}

/** Puts addresses and routes back on the uplink, and removes the bridge that Weft has made. */
async function takeBack(node: Node, stand: Stand): Promise<void> {
  await removeBridge(node.db, node.writer);
  await node.run(["nft", "-f", "-"], {
    stdin: `table netdev ${shieldTable}\ndelete table netdev ${shieldTable}\n`,
  });
  // The bridge's own addresses go with it, so taking them from there may fail.
  await node
    .run(["ip", "-force", "-batch", "-"], { stdin: moveBatch(stand, bridge, stand.device) })
    .catch(() => undefined);
  await restored(node.run, stand);
  await forgetRecord(node.recordFile);
}

/** Rejects when an address is not where it was. */
async function restored(run: Run, { device, addresses }: Stand): Promise<void> {
  const link = (await readLinks(run)).find(({ ifname }) => ifname === device);
  const missing = addresses.filter(({ local }) => !link?.addr_info.some((info) => info.local === local));
  if (missing.length > 0) {
    throw new Error(
      `${missing.map(({ local, prefixlen }) => `${local}/${prefixlen}`).join(", ")} could not be put back on ${device}: ip address add ADDRESS dev ${device}`,
    );
  }
}

/** The reverse of the node's present move: what is on br-ex goes to the uplink. Undefined when Weft has moved nothing. */
export async function undo(node: Node): Promise<string | undefined> {
  const record = await readRecord(node.recordFile);
  if (record) {
    await takeBack(node, record.stand);
    return record.uplink;
  }
  const externalBridge = externalBridgeIn(node.db);
  if (!externalBridge) return undefined;
  if (externalBridge.mark === undefined) {
    throw new Error(
      `${bridge} has not been set up by weft node uplink (no external_ids:${uplinkMark}): undo it the way it was made`,
    );
  }
  const local = (await readLinks(node.run)).find(({ ifname }) => ifname === bridge);
  const stand = local && (await readStand(node.run, local));
  if (!stand || stand.addresses.length === 0) throw new Error(`${bridge} has no address to move back`);
  await takeBack(node, { ...stand, device: externalBridge.mark });
  return externalBridge.mark;
}

/** Makes a move that waits for it final. Resolves with the uplink's name; undefined when none waits. */
export async function confirm(node: Pick<Node, "recordFile">, trial?: string): Promise<string | undefined> {
  const record = await readRecord(node.recordFile);
  if (!record || (trial !== undefined && record.trial !== trial)) return undefined;
  await forgetRecord(node.recordFile);
  return record.uplink;
}
