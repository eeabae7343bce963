// What a server says of its cluster: the text of `ovs-appctl cluster/status` (ovsdb-server(1)), the only place that says who
// belongs to it.

export interface RaftServer {
  /** The first four digits of its id, by which it can be kicked. */
  readonly id: string;
  /** `ssl:192.0.2.10:6643` */
  readonly address: string;
  /** Since it was last heard; 0 for the server that tells, undefined if never. */
  readonly silentMs: number | undefined;
}

export interface RaftStatus {
  /** `cluster member`, `joining cluster`, `left cluster` … */
  readonly state: string;
  readonly leads: boolean;
  /** Of a leader `self`, of a server without one `unknown`. */
  readonly leader: string;
  readonly servers: readonly RaftServer[];
}

export function parseRaftStatus(text: string): RaftStatus {
  const value = (name: string): string => new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1] ?? "";
  return {
    state: value("Status"),
    leads: value("Role") === "leader",
    leader: value("Leader"),
    servers: text.split("\n").flatMap((line) => serverIn(line) ?? []),
  };
}

/** `    b7b1 (b7b1 at ssl:192.0.2.11:6643) next_index=11 match_index=10 last msg 1234 ms ago` */
function serverIn(line: string): RaftServer | undefined {
  const [, id, address, rest = ""] = /^ {4}([0-9a-f]{4}) \([0-9a-f]{4} at (\S+)\)(.*)$/.exec(line) ?? [];
  if (id === undefined || address === undefined) return undefined;
  const heard = /last msg (\d+) ms ago/.exec(rest)?.[1];
  const silentMs = rest.includes("(self)") ? 0 : heard === undefined ? undefined : Number(heard);
  return { id, address, silentMs };
}
