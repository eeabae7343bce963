// The ready ports of a node, and which of them its agent may claim. The states of a port:
//
//   new ──OVN carries it──▶ offered ──surplus, or unfit to be claimed──▶ withdrawn ──acknowledged──▶ gone, or new again
//
// The agent claims an offered port without asking. So an offer is taken back only once the agent has confirmed that the
// port is not in use. Apart from the pace of filling, everything here can be read back from the node's annotations and
// OVN's rows.

import type { Marks } from "../config/poolMarks.ts";
import type { PoolOffer, PoolPort, PoolSeen } from "../model/pool.ts";
import { type OfferHead, OfferNames } from "./offerNames.ts";
import { Pace } from "./pace.ts";
import { type Most, middleOf } from "./poolSize.ts";

const untilForgottenMs = 200;

export type PortKind = "open" | "closed";
const kinds: readonly PortKind[] = ["closed", "open"];

interface Port extends PoolPort {
  readonly kind: PortKind;
  readonly state: "new" | "offered" | "withdrawn";
  /** It was offered before, so a pod may have had it. */
  readonly isReused?: true;
}

/** Hands out places in the subnets, and tags. A place belongs to the pool until it is released. */
export interface PortSource {
  readonly take: (foreignTags: ReadonlySet<number>) => PoolPort | undefined;
  readonly release: (port: PoolPort) => void;
}

export interface PoolInputs {
  readonly marks: Marks;
  readonly most: Most;
  /** Offsets of the ports that living pods have. */
  readonly inUse: ReadonlySet<number>;
  /** What the agent said last. */
  readonly seen: PoolSeen | undefined;
  /**
   * Whether OVN would carry the port's packets now, and passes or drops them as its kind requires; undefined while
   * unknown.
   */
  readonly isReady: (port: PoolPort, kind: PortKind) => boolean | undefined;
  /** Whether no policy counts the port as an earlier pod's. */
  readonly isForgotten: (port: PoolPort) => boolean;
  /** Tags of other people's ports on the same parent. */
  readonly foreignTags: ReadonlySet<number>;
  /** Milliseconds on a clock that never goes back. */
  readonly now: number;
}

export interface PoolStep {
  /** What keeps the pool below its low mark, or another fault in it. */
  readonly problem: string | undefined;
  /** Milliseconds after which the pool can go on by itself; undefined when it waits for others, or for nothing. */
  readonly againMs: number | undefined;
}

export class NodePool {
  readonly #source: PortSource;
  readonly #names: OfferNames;
  readonly #pace = new Pace();
  /** Kinds that fell below their low mark and have not reached the middle since. */
  readonly #filling = new Set<PortKind>();
  /** offset -> port */
  readonly #ports = new Map<number, Port>();
  /** Set when nothing the agent has said so far can count as an answer to this process. */
  #mustAsk = false;

  /** Continues from the offer `last`, if there is one. Otherwise `from` is the last known generation. */
  constructor(source: PortSource, line: string, last: OfferHead | undefined, from = 0) {
    this.#source = source;
    this.#names = new OfferNames(line, last, from);
  }

  /** Takes over a port that already exists: `offered` if the agent may claim it, `withdrawn` if not. */
  adopt(port: PoolPort, kind: PortKind, state: "offered" | "withdrawn"): void {
    if (this.#ports.has(port.offset)) return;
    this.#ports.set(port.offset, { ...port, kind, state });
    if (state === "withdrawn") this.askAnew();
  }

  /** Asks the agent again which ports it uses, because the last offer does not match what exists. */
  askAnew(): void {
    this.#mustAsk = true;
  }

  /** All ports that OVN should have, by offset. */
  get ports(): readonly Port[] {
    return [...this.#ports.values()].toSorted((a, b) => a.offset - b.offset);
  }

  port(offset: number): Port | undefined {
    return this.#ports.get(offset);
  }

  get offer(): PoolOffer {
    const list = (keep: (port: Port) => boolean): readonly PoolPort[] =>
      [...this.#ports.values()].filter(keep).map(({ offset, tag }) => ({ offset, tag }));
    return {
      ...this.#names.head,
      open: list(({ state, kind }) => state === "offered" && kind === "open"),
      closed: list(({ state, kind }) => state === "offered" && kind === "closed"),
      withdrawn: list(({ state }) => state === "withdrawn"),
    };
  }

  /** Goes as far as is possible now. */
  next(inputs: PoolInputs): PoolStep {
    const mustBeginAnew = this.#mustAsk || this.#names.isOutdone(inputs.seen);
    const free = mustBeginAnew ? this.#beginAnew(inputs) : this.#acknowledged(inputs);
    this.#withdrawUnfit(inputs);
    const isRemembered = this.#offerReady(inputs);
    let problem = this.#doubled(inputs);
    let allowance = this.#pace.allowance(this.#unused(undefined, "new", inputs).length, inputs.now);
    for (const kind of kinds) {
      this.#shrink(kind, inputs);
      this.#reuse(kind, inputs, free);
      problem = this.#fillUrgently(kind, inputs, free) ?? problem;
    }
    for (const kind of kinds) allowance -= this.#fillOn(kind, inputs, free, allowance);
    for (const port of free) this.#release(port);
    this.#names.rename(inputs.seen);
    const waitMs = this.#filling.size === 0 ? 0 : this.#pace.waitMs(inputs.now);
    const againMs = isRemembered ? untilForgottenMs : waitMs;
    return { problem, againMs: againMs > 0 ? againMs : undefined };
  }

  /** Returns whether there is a port that can be offered once its earlier pod is forgotten. */
  #offerReady({ isReady, isForgotten }: PoolInputs): boolean {
    const ready = this.#in("new").filter((port) => isReady(port, port.kind) === true);
    // A closed port is checked for traces of an earlier pod when it opens, not here.
    const mustWait = (port: Port): boolean =>
      port.isReused === true && port.kind === "open" && !isForgotten(port);
    const { true: waiting = [], false: offered = [] } = Object.groupBy(ready, (port) => `${mustWait(port)}`);
    for (const port of offered) this.#offer(port);
    return waiting.length > 0;
  }

  /**
   * Asks again for everything withdrawn so far. If the agent has seen a later offer, nobody knows what was in it, so
   * all ports are withdrawn.
   */
  #beginAnew(inputs: PoolInputs): Set<Port> {
    this.#mustAsk = false;
    this.#names.shrank();
    if (this.#names.isOutdone(inputs.seen)) for (const port of this.#in("offered")) this.#withdraw(port);
    return new Set();
  }

  /** The withdrawn ports that nobody uses and nobody can claim any more. */
  #acknowledged({ seen, inUse }: PoolInputs): Set<Port> {
    if (!this.#names.isAcknowledged(seen)) return new Set();
    const used = new Set(seen.used);
    return new Set(this.#in("withdrawn").filter(({ offset }) => !used.has(offset) && !inUse.has(offset)));
  }

  /** Withdraws ports that are spent, ports that OVN no longer carries, and ports whose tag somebody else also uses. */
  #withdrawUnfit({ seen, inUse, isReady, foreignTags }: PoolInputs): void {
    const spent = new Set(seen?.spent);
    const used = new Set(seen?.used);
    for (const port of this.#in("offered")) {
      if (inUse.has(port.offset)) continue;
      const isUnfit = !used.has(port.offset) && isReady(port, port.kind) === false;
      if (spent.has(port.offset) || isUnfit || isDoubled(port, foreignTags)) this.#withdraw(port);
    }
  }

  /** Running pods whose tag somebody else also uses: each gets the other's packets, and OVN reports nothing. */
  #doubled({ inUse, foreignTags }: PoolInputs): string | undefined {
    const doubled = [...this.#ports.values()].filter((port) => isDoubled(port, foreignTags));
    const tags = doubled.filter(({ offset }) => inUse.has(offset)).map(({ tag }) => tag);
    return tags.length === 0
      ? undefined
      : `running pods share the VLAN tags ${tags.join(", ")} with ports that somebody else nested in the same virtual machine; remove those other ports`;
  }

  #shrink(kind: PortKind, inputs: PoolInputs): void {
    const ready = this.#unused(kind, "offered", inputs);
    if (ready.length <= inputs.marks.high) return;
    for (const port of ready.slice(middleOf(inputs.marks))) this.#withdraw(port);
  }

  /** Keeping an existing port costs OVN nothing. Releasing it and making another one later does. */
  #reuse(kind: PortKind, inputs: PoolInputs, free: Set<Port>): void {
    let missing = this.#missing(kind, inputs);
    for (const port of free) {
      if (missing <= 0) break;
      if (isDoubled(port, inputs.foreignTags)) continue;
      free.delete(port);
      this.#put({ ...port, kind, state: "new", isReused: true });
      this.#names.grew();
      missing--;
    }
  }

  /** Fills up to the low mark at once, since pods will need those ports soon. Returns what prevents it. */
  #fillUrgently(kind: PortKind, inputs: PoolInputs, free: ReadonlySet<Port>): string | undefined {
    const { marks, most } = inputs;
    const urgent = this.#missing(kind, inputs) - (middleOf(marks) - marks.low);
    if (urgent <= 0) return undefined;
    this.#filling.add(kind);
    const wanted = Math.min(urgent, this.#wanted(kind, inputs, free));
    return this.#make(kind, wanted, inputs) < wanted
      ? `no more ready ports than ${this.#ports.size}: ${most.because}`
      : undefined;
  }

  /** Fills on to the middle, as far as `allowance` permits. Returns how many ports were made. */
  #fillOn(kind: PortKind, inputs: PoolInputs, free: ReadonlySet<Port>, allowance: number): number {
    if (!this.#filling.has(kind)) return 0;
    const wanted = Math.min(allowance, this.#wanted(kind, inputs, free));
    const made = this.#make(kind, wanted, inputs);
    if (this.#missing(kind, inputs) <= 0 || made < wanted) this.#filling.delete(kind);
    return made;
  }

  /** How many ports to make. Those that await the agent's acknowledgement are cheaper than new ones, so they count. */
  #wanted(kind: PortKind, inputs: PoolInputs, free: ReadonlySet<Port>): number {
    const awaited = this.#unused(undefined, "withdrawn", inputs).length - free.size;
    return Math.max(0, this.#missing(kind, inputs) - awaited);
  }

  /** Returns how many ports were made. */
  #make(kind: PortKind, wanted: number, { most, foreignTags, now }: PoolInputs): number {
    for (let made = 0; made < wanted; made++) {
      const port = this.#ports.size < most.ports ? this.#source.take(foreignTags) : undefined;
      if (!port) return made;
      this.#put({ ...port, kind, state: "new" });
      this.#pace.asked(now);
    }
    return wanted;
  }

  /** How many unused ports of the kind are missing; negative when there are too many. */
  #missing(kind: PortKind, inputs: PoolInputs): number {
    const coming = this.#unused(kind, "offered", inputs).length + this.#unused(kind, "new", inputs).length;
    return middleOf(inputs.marks) - coming;
  }

  #offer(port: Port): void {
    this.#put({ ...port, state: "offered" });
    this.#names.grew();
  }

  #withdraw(port: Port): void {
    this.#put({ ...port, state: "withdrawn" });
    this.#names.shrank();
  }

  #release(port: Port): void {
    this.#ports.delete(port.offset);
    this.#source.release(port);
    this.#names.grew();
  }

  #put(port: Port): void {
    this.#ports.set(port.offset, port);
  }

  #in(state: Port["state"]): Port[] {
    return [...this.#ports.values()].filter((port) => port.state === state);
  }

  /** Ports without a pod, by offset; of either kind when `kind` is undefined. */
  #unused(kind: PortKind | undefined, state: Port["state"], { inUse }: PoolInputs): Port[] {
    return this.#in(state)
      .filter((port) => (kind === undefined || port.kind === kind) && !inUse.has(port.offset))
      .toSorted((a, b) => a.offset - b.offset);
  }
}

const isDoubled = ({ tag }: PoolPort, foreignTags: ReadonlySet<number>): boolean =>
  tag !== undefined && foreignTags.has(tag);
