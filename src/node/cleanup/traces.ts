// Finds what Weft has made on a node: in Open vSwitch, in the kernel, in files. Everything is recognised by a mark or a
// name of Weft's own, so nothing that belongs to others is included. Reading changes nothing.

import { access } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { chassisMark, onNode } from "../../model/names.ts";
import { nothingIfAbsent } from "../host/absent.ts";
import { firewallTable } from "../host/firewall.ts";
import { configurationFile } from "../host/install.ts";
import { linkNames } from "../host/podLink.ts";
import type { Run } from "../host/run.ts";
import { chassisIds } from "../ovs/chassis.ts";
import { attachmentKeys, bridgeNamed, byPool, interfacesOf, type Vswitch } from "../ovs/vswitch.ts";
import { ledBeforeFile } from "../wayIn/ledBefore.ts";
import { wayInTable } from "../wayIn/table.ts";

export interface TracesQuestion {
  readonly db: Vswitch;
  readonly run: Run;
  readonly cluster: string;
  /** The chassis id that this node's agent would have chosen. */
  readonly chassisId: string;
  readonly cniConfDirectory: string;
  readonly cniBinDirectory: string;
  readonly cniPlugin: string;
  readonly cniSocket: string;
}

export interface Traces {
  /** UUIDs of ports by bridge: those of pods, and the patch ports that ovn-controller has made for Weft. */
  readonly ports: readonly { readonly bridge: string; readonly port: string; readonly name: string }[];
  /** br-int, when this node's OVN is Weft's. */
  readonly bridge: { readonly uuid: string; readonly name: string } | undefined;
  /** Entries of Open_vSwitch.external_ids that go, and those that get another value because others have a part in them. */
  readonly ids: { readonly remove: readonly string[]; readonly set: ReadonlyMap<string, string> };
  /** UUIDs of rows that keep pools of ready ports. */
  readonly pools: readonly string[];
  /** Whether br-ex has flows of Weft's. */
  readonly hasFlows: boolean;
  /** Pods' links in the node's namespace. */
  readonly links: readonly string[];
  /** Names of nftables tables of the family inet. */
  readonly tables: readonly string[];
  readonly files: readonly string[];
}

export async function tracesOn(question: TracesQuestion, flowsOn: () => Promise<boolean>): Promise<Traces> {
  const { db, run, cluster } = question;
  const [root] = db.table("Open_vSwitch").values();
  const ids = root?.external_ids ?? new Map<string, string>();
  const isOurs = (ids.get("ovn-cms-options") ?? "").split(",").includes(chassisMark(cluster));
  const attached = [...db.table("Interface").values()].filter(({ external_ids: own }) =>
    own.has(attachmentKeys.container),
  );
  const names = new Set(attached.map(({ name }) => name));
  const present = await linkNames(run);
  const bridge = bridgeNamed(db, onNode.integrationBridge);
  return {
    ports: isOurs ? portsIn(db, names) : portsIn(db, names).filter(({ name }) => names.has(name)),
    bridge: isOurs && bridge ? { uuid: bridge._uuid, name: bridge.name } : undefined,
    ids: isOurs ? idsWithout(ids, question) : { remove: [], set: new Map() },
    pools: db
      .table("Queue")
      .by(byPool, cluster)
      .map(({ _uuid }) => _uuid),
    hasFlows: await flowsOn(),
    links: [...names].filter((name) => present.has(name)),
    tables: await tablesOf(run),
    files: await filesOf(question),
  };
}

/** Not those of br-int, which goes as a whole. ovn-controller names for which port a patch is (controller/patch.c). */
const portsIn = (db: Vswitch, pods: ReadonlySet<string>): Traces["ports"] =>
  [...db.table("Bridge").values()]
    .filter(({ name }) => name !== onNode.integrationBridge)
    .flatMap((bridge) =>
      bridge.ports.flatMap((port) => {
        const row = db.table("Port").get(port);
        const isPods = interfacesOf(db, [port]).some(({ name }) => pods.has(name));
        const isPatch = row?.external_ids.keys().some((key) => key.startsWith("ovn-")) ?? false;
        return row && (isPods || isPatch) ? [{ bridge: bridge._uuid, port, name: row.name }] : [];
      }),
    );

const nobody = { nodeName: "", chassisId: "", ovnRemote: "", encapIp: "" };

/** What the agent writes (ovs/chassis.ts). Others may have a part in options and mappings, which stays. */
function idsWithout(ids: ReadonlyMap<string, string>, { cluster, chassisId }: TracesQuestion): Traces["ids"] {
  const parts = (key: string, isOurs: (part: string) => boolean): string =>
    (ids.get(key) ?? "")
      .split(",")
      .filter((part) => part !== "" && !isOurs(part))
      .join(",");
  const shared = new Map([
    ["ovn-cms-options", parts("ovn-cms-options", (part) => part === chassisMark(cluster))],
    [
      "ovn-bridge-mappings",
      parts("ovn-bridge-mappings", (part) => part.startsWith(`${onNode.physicalNetwork}:`)),
    ],
  ]);
  const written = chassisIds({ cluster, ...nobody }, new Map(), true).keys();
  // A system-id that was there before Weft is the machine's.
  const own = [...written].filter(
    (key) => !shared.has(key) && (key !== "system-id" || ids.get(key) === chassisId),
  );
  const empty = [...shared].filter(([, value]) => value === "").map(([key]) => key);
  return {
    remove: [...own, ...empty].filter((key) => ids.has(key)),
    set: new Map([...shared].filter(([key, value]) => value !== "" && ids.get(key) !== value)),
  };
}

async function tablesOf(run: Run): Promise<readonly string[]> {
  const present = (await run(["nft", "list", "tables", "inet"])).split("\n");
  return [firewallTable, wayInTable].filter((name) => present.includes(`table inet ${name}`));
}

async function filesOf({
  cniConfDirectory,
  cniBinDirectory,
  cniPlugin,
  cniSocket,
}: TracesQuestion): Promise<readonly string[]> {
  const wanted = [
    join(cniConfDirectory, configurationFile),
    join(cniBinDirectory, basename(cniPlugin)),
    join(dirname(cniSocket), `${basename(cniSocket)}.served`),
    `${cniSocket}.known`,
    ledBeforeFile(cniSocket),
    cniSocket,
  ];
  const found = await Promise.all(wanted.map((file) => access(file).then(() => [file], nothingIfAbsent)));
  return found.flatMap((each) => each ?? []);
}
