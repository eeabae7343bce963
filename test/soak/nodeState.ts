// Everything on a node that outlives a pod, as lines of text: two moments between which nothing was left behind have the
// same lines.

import type { Sandbox } from "../../sandbox/sandbox.ts";

interface Link {
  readonly ifname: string;
  readonly mtu: number;
  readonly flags: readonly string[];
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

interface OvsTable {
  readonly headings: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** Of each table, what somebody has set, and not what Open vSwitch measures. */
const ovsColumns = {
  Open_vSwitch: ["external_ids", "other_config"],
  Bridge: ["name", "datapath_type", "fail_mode", "external_ids", "other_config"],
  Port: ["name", "tag", "external_ids"],
  Interface: ["name", "type", "options", "external_ids", "mtu_request", "error"],
} as const;

/** What ovn-controller counts and picks for itself. */
const restless =
  /\["(ovn-nb-cfg[^"]*|ovn-startup-ts|ovn-installed[^"]*|ct-zone-[^"]*|ovn-chassis-idx-[^"]*)","[^"]*"\],?/g;
/** A killed daemon of OVN leaves its control socket behind, whose name has its pid. */
const remains = "*.ctl";

/** Links and their addresses, routes, rules of routing and of nftables, rows of Open vSwitch, and files. */
export async function nodeState(sandbox: Sandbox, node: string): Promise<readonly string[]> {
  const host = sandbox.host(node);
  const directory = sandbox.layout.nodeHosts.find(({ name }) => name === node)?.directory ?? "";
  const said = async (what: string, argv: readonly string[]): Promise<readonly string[]> =>
    linesOf(await host.exec(argv)).map((line) => `${what} ${line}`);
  const parts = await Promise.all([
    host.exec(["ip", "-j", "addr"]).then((printed) => linkLines(JSON.parse(printed))),
    said("route", ["ip", "-4", "route", "show", "table", "all"]),
    said("route", ["ip", "-6", "route", "show", "table", "all"]),
    said("rule", ["ip", "-4", "rule"]),
    said("rule", ["ip", "-6", "rule"]),
    said("nftables", ["nft", "list", "ruleset"]),
    ...Object.entries(ovsColumns).map(async ([table, columns]) =>
      ovsLines(
        table,
        JSON.parse(
          await host.exec(["ovs-vsctl", "-f", "json", `--columns=${columns.join()}`, "list", table]),
        ),
      ),
    ),
    said("file", [
      "find",
      directory,
      "-not",
      "-path",
      "*/log/*",
      "-not",
      "-name",
      remains,
      "-printf",
      "%y %P\\n",
    ]),
  ]);
  return parts.flat().toSorted();
}

const linesOf = (text: string): readonly string[] =>
  text
    .split("\n")
    .map((line) => line.replace(/ expires \S+/, "").trim())
    .filter((line) => line !== "");

const linkLines = (links: readonly Link[]): readonly string[] =>
  links.flatMap(({ ifname, mtu, flags, addr_info }) => [
    `link ${ifname} mtu ${mtu}${flags.includes("UP") ? " up" : " down"}`,
    ...addr_info.map(({ local, prefixlen }) => `address ${local}/${prefixlen} of ${ifname}`),
  ]);

const ovsLines = (table: string, { data }: OvsTable): readonly string[] =>
  data.map((row) => `${table} ${JSON.stringify(row).replaceAll(restless, "").replaceAll(",]", "]")}`);

/** `+` for a line that only `after` has, `-` for one that only `before` has. */
export function changedLines(before: readonly string[], after: readonly string[]): readonly string[] {
  const [old, now] = [new Set(before), new Set(after)];
  return [
    ...[...old.difference(now)].map((line) => `- ${line}`),
    ...[...now.difference(old)].map((line) => `+ ${line}`),
  ];
}
