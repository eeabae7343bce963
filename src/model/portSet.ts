// Sets of destination ports: what one rule matches, and what is left of that after another.

import type { Protocol } from "./protocol.ts";

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface PortSet {
  /** Everything that has no ports of these protocols, such as ICMP. */
  readonly others: boolean;
  /** Disjoint ranges in ascending order, from 0 to 65535. */
  readonly ranges: Readonly<Record<Protocol, readonly PortRange[]>>;
}

export const protocols = ["TCP", "UDP", "SCTP"] as const satisfies readonly Protocol[];
const whole: readonly PortRange[] = [{ from: 0, to: 65_535 }];

export const allPorts: PortSet = { others: true, ranges: { TCP: whole, UDP: whole, SCTP: whole } };
export const noPorts: PortSet = { others: false, ranges: { TCP: [], UDP: [], SCTP: [] } };

/** A protocol without a range has all its ports. */
export function portSetOf(
  entries: Iterable<{ readonly protocol: Protocol; readonly port: PortRange | undefined }>,
): PortSet {
  const found: Record<Protocol, PortRange[]> = { TCP: [], UDP: [], SCTP: [] };
  for (const { protocol, port } of entries) found[protocol].push(...(port ? [port] : whole));
  return each(false, (protocol) => joined(found[protocol]));
}

export const without = (a: PortSet, b: PortSet): PortSet =>
  each(a.others && !b.others, (protocol) =>
    b.ranges[protocol].reduce<readonly PortRange[]>(
      (left, gone) => left.flatMap((range) => cut(range, gone)),
      a.ranges[protocol],
    ),
  );

export const union = (a: PortSet, b: PortSet): PortSet =>
  each(a.others || b.others, (protocol) => joined([...a.ranges[protocol], ...b.ranges[protocol]]));

export const isEmpty = ({ others, ranges }: PortSet): boolean =>
  !others && protocols.every((protocol) => ranges[protocol].length === 0);

/** Ranges are joined, so that all ports are one. */
export const isWholeProtocol = ({ ranges }: PortSet, protocol: Protocol): boolean =>
  ranges[protocol].some(({ from, to }) => from === 0 && to === 65_535);

export const hasPort = ({ ranges }: PortSet, protocol: Protocol, port: number): boolean =>
  ranges[protocol].some(({ from, to }) => from <= port && port <= to);

const each = (others: boolean, rangesOf: (protocol: Protocol) => readonly PortRange[]): PortSet => ({
  others,
  ranges: { TCP: rangesOf("TCP"), UDP: rangesOf("UDP"), SCTP: rangesOf("SCTP") },
});

function joined(ranges: readonly PortRange[]): readonly PortRange[] {
  const done: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = done.at(-1);
    if (last && range.from <= last.to + 1)
      done[done.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else done.push(range);
  }
  return done;
}

const cut = ({ from, to }: PortRange, gone: PortRange): readonly PortRange[] =>
  [
    { from, to: Math.min(to, gone.from - 1) },
    { from: Math.max(from, gone.to + 1), to },
  ].filter((left) => left.from <= left.to);
