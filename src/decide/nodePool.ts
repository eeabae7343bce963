// The ready ports of a node, and which of them its agent may claim. The states of a port:
//
//   new ──OVN carries it──▶ offered ──surplus, or unfit to be claimed──▶ withdrawn ──acknowledged──▶ gone, or new again
//
// The agent claims an offered port without asking. So an offer is taken back only once the agent has confirmed that the
// port is not in use. Apart from the pace of filling, everything here can be read back from the node's annotations and
// OVN's rows.

import type { Marks } from "../config/poolMarks.ts";
import { isAsLate, type OfferName, type PoolOffer, type PoolPort, type PoolSeen } from "../model/pool.ts";
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

/** The part of an offer that identifies it, and the generation in which something was last taken back. */
type Head = OfferName & Pick<PoolOffer, "asked">;

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

/**
 * No pool gets as far as the last generation, but an annotation may say that one has: then another line counts from 1
 * again.
 */
const after = (generation: number): number => (generation < Number.MAX_SAFE_INTEGER ? generation + 1 : 1);

const afterLine = (line: string): string => BigInt.asUintN(64, BigInt(`0x${line}`) + 1n).toString(16);

export class NodePool {
  readonly #source: PortSource;
  readonly #pace = new Pace();
  /** Kinds that fell below their low mark and have not reached the middle since. */
  readonly #filling = new Set<PortKind>();
  /** offset -> port */
  readonly #ports = new Map<number, Port>();
  /** Names the offers that this process makes. */
  #line: string;
  /** The last offer. It is another process's until something changes. */
  #head: Head;
  /** How the offer has changed since the last one. */
  #changed: "no" | "more" | "less" = "no";
  /** Set when nothing the agent has said so far can count as an answer to this process. */
  #mustAsk = false;

  /** Continues from the offer `last`, if there is one. Otherwise `from` is the last known generation. */
  constructor(source: PortSource, line: string, last: Head | undefined, from = 0) {
    this.#source = source;
    this.#line = line;
    const head = last ?? { line, from, generation: after(from), asked: after(from) };
    this.#head = { line: head.line, from: head.from, generation: head.generation, asked: head.asked };
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
      ...this.#head,
      open: list(({ state, kind }) => state === "offered" && kind === "open"),
      closed: list(({ state, kind }) => state === "offered" && kind === "closed"),
      withdrawn: list(({ state }) => state === "withdrawn"),
    };
  }

  /** Goes as far as is possible now. */
  next(inputs: PoolInputs): PoolStep {
    const mustBeginAnew = this.#mustAsk || this.#isOutdone(inputs);
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
    this.#rename(inputs);
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

  /** The agent has already seen a later offer: the API server was restored from an older state, or the Node is new. */
  #isOutdone({ seen }: PoolInputs): boolean {
    return seen !== undefined && !isAsLate(this.#head, seen);
  }

  /**
   * Asks again for everything withdrawn so far. If the agent has seen a later offer, nobody knows what was in it, so
   * all ports are withdrawn.
   */
  #beginAnew(inputs: PoolInputs): Set<Port> {
    this.#mustAsk = false;
    this.#changed = "less";
    if (this.#isOutdone(inputs)) for (const port of this.#in("offered")) this.#withdraw(port);
    return new Set();
  }

  /** Gives a changed offer a new name, so that it cannot be mistaken for an older one. */
  #rename(inputs: PoolInputs): void {
    if (this.#changed === "no") return;
    const last = Math.max(this.#head.generation, inputs.seen?.generation ?? 0);
    const generation = after(last);
    const isLast = generation < last;
    if (isLast) this.#line = afterLine(this.#line);
    const goesOn = this.#head.line === this.#line && !this.#isOutdone(inputs);
    this.#head = {
      line: this.#line,
      from: goesOn ? this.#head.from : last,
      generation,
      asked: isLast || this.#changed === "less" ? generation : this.#head.asked,
    };
    this.#changed = "no";
  }

  /** The withdrawn ports that nobody uses and nobody can claim any more. */
  #acknowledged({ seen, inUse }: PoolInputs): Set<Port> {
    if (!seen || seen.line !== this.#head.line || seen.generation < this.#head.asked) return new Set();
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
      this.#grew();
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
    this.#grew();
  }

  #withdraw(port: Port): void {
    this.#put({ ...port, state: "withdrawn" });
    this.#changed = "less";
  }

  #release(port: Port): void {
    this.#ports.delete(port.offset);
    this.#source.release(port);
    this.#grew();
  }

  /** Records a change that takes nothing away that the agent could claim. */
  #grew(): void {
    if (this.#changed === "no") this.#changed = "more";
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
