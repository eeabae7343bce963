// What `weft check node` reads of a node. It changes nothing, and needs neither Kubernetes nor OVN's databases. That
// something is missing is a fact too; what cannot be read becomes a sentence in `unknown`.

import { readdir, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { record, text } from "../kube/json.ts";
import { onNode } from "../model/names.ts";
import { nothingIfAbsent } from "../node/host/absent.ts";
import { type HostState, readHostState } from "../node/host/hostState.ts";
import { CommandError, type Run } from "../node/host/run.ts";
import { type BridgePort, portsOf, uplinkKey } from "../node/host/uplink.ts";
import { absence, controlSocket, unixctl } from "../node/ovs/unixctl.ts";
import { bridgeNamed, followVswitch } from "../node/ovs/vswitch.ts";
import { Session } from "../ovsdb/index.ts";
import { orElseNoting } from "./orElse.ts";
import type { Traces } from "./others.ts";

export interface CniFile {
  readonly name: string;
  /** The types of its plugins; empty when it cannot be read as JSON. */
  readonly types: readonly string[];
}

export interface Listener {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
  /** The program; undefined for a socket of the kernel. */
  readonly program: string | undefined;
}

export interface Route {
  readonly destination: string;
  readonly device: string;
}

export interface Switch {
  readonly version: string;
  readonly externalIds: ReadonlyMap<string, string>;
  /** br-ex; undefined when there is none yet. */
  readonly bridge:
    | {
        readonly userspace: boolean;
        readonly ports: readonly BridgePort[];
        /** Its external_ids:bridge-uplink. */
        readonly chosen: string | undefined;
        readonly hasController: boolean;
      }
    | undefined;
}

/** Its database does not answer. Before an install this is normal if the chart brings Open vSwitch. */
export interface SwitchAway {
  readonly away: string;
}

export interface NodeFacts {
  readonly kernel: string;
  /** Of those that are asked about: loaded, built in, or ready to be loaded. */
  readonly modules: ReadonlySet<string>;
  readonly hasIpv6: boolean;
  readonly host: HostState;
  readonly routes: readonly Route[];
  readonly traces: Traces;
  readonly listeners: readonly Listener[];
  readonly cniFiles: readonly CniFile[];
  /** net.bridge.bridge-nf-call-iptables; undefined without the module br_netfilter. */
  readonly bridgeFilter: string | undefined;
  readonly openVSwitch: Switch | SwitchAway;
  /** The version of the ovn-controller that runs; undefined when none does. */
  readonly ovn: string | undefined;
  readonly unknown: readonly string[];
}

export interface NodeQuestion {
  readonly run: Run;
  readonly cniConfDirectory: string;
  /** The node's Open vSwitch database. */
  readonly vswitch: string;
  readonly ovsRunDirectory: string;
  readonly ovnRunDirectory: string;
  readonly timeoutMs: number;
}

export async function nodeFacts({
  run,
  cniConfDirectory,
  vswitch,
  ovsRunDirectory,
  ovnRunDirectory,
  timeoutMs,
}: NodeQuestion): Promise<NodeFacts> {
  const unknown: string[] = [];
  const orElse = orElseNoting(unknown);
  const kernel = release();
  const [modules, host, routes, links, rules, listeners, cniFiles, bridgeFilter, openVSwitch, ovn] =
    await Promise.all([
      modulesOf(kernel),
      readHostState(run),
      orElse("routes", routesOf(run), []),
      orElse("interfaces", linkNamesOf(run), []),
      orElse("packet filters", filtersOf(run), { tables: [], chains: [] }),
      orElse("ports in use", listenersOf(run), []),
      orElse("network configurations", cniFilesIn(cniConfDirectory), []),
      unlessFailed(run(["sysctl", "-n", "net.bridge.bridge-nf-call-iptables"])),
      switchAt({ vswitch, ovsRunDirectory, timeoutMs }),
      versionOf(ovnRunDirectory, "ovn-controller"),
    ]);
  return {
    kernel,
    modules,
    hasIpv6: (await unlessFailed(run(["sysctl", "-n", "net.ipv6.conf.all.disable_ipv6"]))) !== undefined,
    host,
    routes,
    traces: { links, ...rules },
    listeners,
    cniFiles,
    bridgeFilter: bridgeFilter?.trim(),
    openVSwitch,
    ovn,
    unknown,
  };
}

async function unlessFailed(answer: Promise<string>): Promise<string | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}

/** modules.dep and modules.builtin name files (`kernel/net/openvswitch/openvswitch.ko.xz`), /proc/modules names. */
async function modulesOf(kernel: string): Promise<ReadonlySet<string>> {
  const folder = join("/lib/modules", kernel);
  const files = ["/proc/modules", join(folder, "modules.builtin"), join(folder, "modules.dep")];
  const texts = await Promise.all(files.map((file) => readFile(file, "utf8").catch(nothingIfAbsent)));
  const names = texts
    .flatMap((content) => (content ?? "").split("\n"))
    .map((line) => line.split(/[\s:]/)[0] ?? "");
  return new Set(
    names.map((name) =>
      name
        .replace(/^.*\//, "")
        .replace(/\.ko(\.\w+)?$/, "")
        .replaceAll("-", "_"),
    ),
  );
}

const linkSchema = v.array(v.object({ ifname: v.string() }));
const routeSchema = v.array(v.object({ dst: v.string(), dev: v.optional(v.string()) }));

const linkNamesOf = async (run: Run): Promise<readonly string[]> =>
  v.parse(linkSchema, JSON.parse(await run(["ip", "-json", "link", "show"]))).map(({ ifname }) => ifname);

async function routesOf(run: Run): Promise<readonly Route[]> {
  const texts = await Promise.all(
    ["-4", "-6"].map((family) => unlessFailed(run(["ip", "-json", family, "route", "show"]))),
  );
  return texts
    .flatMap((answer) => v.parse(routeSchema, JSON.parse(answer || "[]")))
    .flatMap(({ dst, dev }) =>
      dst === "default" || dev === undefined ? [] : [{ destination: dst, device: dev }],
    );
}

/** The kernel's chains, those of iptables-nft among them; and those of the older iptables, where that is in use. */
async function filtersOf(run: Run): Promise<Omit<Traces, "links">> {
  const nft: unknown = JSON.parse(await run(["nft", "-j", "list", "chains"]));
  const tables: unknown = JSON.parse(await run(["nft", "-j", "list", "tables"]));
  const legacy = await unlessFailed(run(["iptables-legacy-save"]));
  return {
    tables: namesIn(tables, "table"),
    chains: [...namesIn(nft, "chain"), ...(legacy ?? "").matchAll(/^:(\S+)/gm).map(([, name]) => name ?? "")],
  };
}

function namesIn(answer: unknown, kind: "table" | "chain"): readonly string[] {
  const { nftables } = record(answer);
  const entries: readonly unknown[] = Array.isArray(nftables) ? nftables : [];
  return entries.flatMap((entry) => text(record(record(entry)[kind]).name) || []);
}

const listenersOf = async (run: Run): Promise<readonly Listener[]> =>
  listenersIn(await run(["ss", "-H", "-l", "-n", "-t", "-u", "-p"]));

/** `tcp LISTEN 0 10 0.0.0.0:6641 0.0.0.0:* users:(("ovsdb-server",pid=7,fd=20))` */
export const listenersIn = (printed: string): readonly Listener[] =>
  printed.split("\n").flatMap((line) => {
    const [protocol, , , , local = "", , ...process] = line.trim().split(/\s+/);
    const port = Number(local.replace(/^.*:/, ""));
    if ((protocol !== "tcp" && protocol !== "udp") || !Number.isInteger(port)) return [];
    return [{ protocol, port, program: /\(\("([^"]*)"/.exec(process.join(" "))?.[1] }];
  });

async function cniFilesIn(folder: string): Promise<readonly CniFile[]> {
  const names = ((await readdir(folder).catch(nothingIfAbsent)) ?? []).filter((name) =>
    /\.(conf|conflist|json)$/.test(name),
  );
  return Promise.all(
    names
      .toSorted()
      .map(async (name) => ({ name, types: typesIn(await readFile(join(folder, name), "utf8")) })),
  );
}

function typesIn(content: string): readonly string[] {
  try {
    const configuration = record(JSON.parse(content));
    const { plugins } = configuration;
    const each: readonly unknown[] = Array.isArray(plugins) ? plugins : [configuration];
    return each.map((plugin) => text(record(plugin).type)).filter((type) => type !== "");
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** `ovs-vswitchd (Open vSwitch) 3.5.0`, `ovn-controller 25.03.0`: the running daemon's own answer, without its name. */
async function versionOf(runDirectory: string, daemon: string): Promise<string | undefined> {
  try {
    const answer = await unixctl(await controlSocket(runDirectory, daemon), "version");
    return /\d+\.\d+\S*/.exec(answer)?.[0] ?? "";
  } catch (error) {
    if (absence(error) !== undefined) return undefined;
    throw error;
  }
}

async function switchAt({
  vswitch: remote,
  ovsRunDirectory,
  timeoutMs,
}: Pick<NodeQuestion, "vswitch" | "ovsRunDirectory" | "timeoutMs">): Promise<Switch | SwitchAway> {
  await using session = new Session({ remotes: [remote], database: "Open_vSwitch" });
  session.start();
  const db = followVswitch(session);
  try {
    await db.ready(AbortSignal.timeout(timeoutMs));
  } catch (error) {
    const { message } = session.lastError ?? { message: String(error) };
    return { away: `${remote}: ${message}` };
  }
  const [root] = db.table("Open_vSwitch").values();
  const bridge = bridgeNamed(db, onNode.externalBridge);
  return {
    version: (await versionOf(ovsRunDirectory, "ovs-vswitchd")) ?? "",
    externalIds: root?.external_ids ?? new Map(),
    bridge: bridge && {
      userspace: bridge.datapath_type === "netdev",
      ports: portsOf(db, bridge),
      chosen: bridge.external_ids.get(uplinkKey),
      hasController: bridge.controller.length > 0,
    },
  };
}
