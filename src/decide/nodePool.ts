// Which ready ports a node has, and which of them its agent may claim. A port goes through states:
//
//   new ──OVN carries it──▶ offered ──no longer wanted, or not to be claimed──▶ withdrawn ──acknowledged──▶ gone, or new again
//
// The agent claims what is offered without asking anyone, so what was once offered is taken back only with its word that
// it is not in use. But for the pace at which it is filled, nothing is kept here that the node's annotations and OVN's rows do
// not say as well.

import type { Marks } from "../config/poolMarks.ts";
import { isAsLate, type OfferName, type PoolOffer, type PoolPort, type PoolSeen } from "../model/pool.ts";
import { Pace } from "./pace.ts";
import { type Most, middleOf } from "./poolSize.ts";

export type PortKind = "open" | "closed";
const kinds: readonly PortKind[] = ["closed", "open"];

interface Port extends PoolPort {
  readonly kind: PortKind;
  readonly state: "new" | "offered" | "withdrawn";
}

/** Where places in the subnets and tags come from; a place is the pool's until it is given back. */
export interface PortSource {
  readonly take: (foreignTags: ReadonlySet<number>) => PoolPort | undefined;
  readonly release: (port: PoolPort) => void;
}

/** Of an offer: which one it is, and in which one something was taken back last. */
type Head = OfferName & Pick<PoolOffer, "asked">;

export interface PoolInputs {
  readonly marks: Marks;
  readonly most: Most;
  /** Offsets of the ports that living pods have. */
  readonly inUse: ReadonlySet<number>;
  /** What the agent has said last. */
  readonly seen: PoolSeen | undefined;
  /** OVN would carry packets of the port now, and lets them pass, or not, as its kind says; undefined when nobody knows yet. */
  readonly isReady: (port: PoolPort, kind: PortKind) => boolean | undefined;
  /** Tags that ports of others have on the same parent. */
  readonly foreignTags: ReadonlySet<number>;
  /** Milliseconds, never going back. */
  readonly now: number;
}

export interface PoolStep {
  /** What keeps the pool below its low mark, or else is wrong with it. */
  readonly problem: string | undefined;
  /** Milliseconds after which it goes on by itself; undefined when it waits for others, or for nothing. */
  readonly againMs: number | undefined;
}

export class NodePool {
  readonly #source: PortSource;
  readonly #pace = new Pace();
  /** Kinds that fell below their low mark and have not come to the middle since. */
  readonly #filling = new Set<PortKind>();
  /** offset -> port */
  readonly #ports = new Map<number, Port>();
  /** Of the offers that this process makes. */
  readonly #line: string;
  /** Of the last offer; another process's until something changes. */
  #head: Head;
  /** Since the last offer. */
  #changed: "no" | "more" | "less" = "no";
  /** Nothing that the agent has said until now was said to this process. */
  #mustAsk = false;

  /** Goes on from `last`, if there was an offer before; `from` is the last generation that is known of otherwise. */
  constructor(source: PortSource, line: string, last: Head | undefined, from = 0) {
    this.#source = source;
    this.#line = line;
    const head = last ?? { line, from, generation: from + 1, asked: from + 1 };
    this.#head = { line: head.line, from: head.from, generation: head.generation, asked: head.asked };
  }

  /** The port exists already, and the agent may claim it, or is not to. */
  adopt(port: PoolPort, kind: PortKind, state: "offered" | "withdrawn"): void {
    if (this.#ports.has(port.offset)) return;
    this.#ports.set(port.offset, { ...port, kind, state });
    if (state === "withdrawn") this.askAnew();
  }

  /** The last offer is not what there is: the agent is asked what it uses of it. */
  askAnew(): void {
    this.#mustAsk = true;
  }

  /** All ports that OVN is to have, in order. */
  get ports(): readonly (PoolPort & { readonly kind: PortKind })[] {
    return [...this.#ports.values()].toSorted((a, b) => a.offset - b.offset);
  }

  port(offset: number): (PoolPort & { readonly kind: PortKind }) | undefined {
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

  /** Goes on as far as is possible now. */
  next(inputs: PoolInputs): PoolStep {
    const mustBeginAnew = this.#mustAsk || this.#isOutdone(inputs);
    const free = mustBeginAnew ? this.#beginAnew(inputs) : this.#acknowledged(inputs);
    this.#withdrawUnfit(inputs);
    for (const port of this.#in("new")) if (inputs.isReady(port, port.kind) === true) this.#offer(port);
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
    return { problem, againMs: waitMs > 0 ? waitMs : undefined };
  }

  /** The agent has taken in a later offer than this one: an older state of the API's database has come back, or the Node is new. */
  #isOutdone({ seen }: PoolInputs): boolean {
    return seen !== undefined && !isAsLate(this.#head, seen);
  }

  /** What was withdrawn before is asked for again. After an offer that nobody knows any more, all is taken back. */
  #beginAnew(inputs: PoolInputs): Set<Port> {
    this.#mustAsk = false;
    this.#changed = "less";
    if (this.#isOutdone(inputs)) for (const port of this.#in("offered")) this.#withdraw(port);
    return new Set();
  }

  /** Whatever changes of the offer makes it another one, so that an older one is told from it. */
  #rename(inputs: PoolInputs): void {
    if (this.#changed === "no") return;
    const goesOn = this.#head.line === this.#line && !this.#isOutdone(inputs);
    const last = Math.max(this.#head.generation, inputs.seen?.generation ?? 0);
    const generation = last + 1;
    this.#head = {
      line: this.#line,
      from: goesOn ? this.#head.from : last,
      generation,
      asked: this.#changed === "less" ? generation : this.#head.asked,
    };
    this.#changed = "no";
  }

  /** The withdrawn ports that nobody uses and nobody can claim any more. */
  #acknowledged({ seen, inUse }: PoolInputs): Set<Port> {
    if (!seen || seen.line !== this.#head.line || seen.generation < this.#head.asked) return new Set();
    const used = new Set(seen.used);
    return new Set(this.#in("withdrawn").filter(({ offset }) => !used.has(offset) && !inUse.has(offset)));
  }

  /** Takes back what was closed and is spent, what OVN does not carry any more, and what shares its tag with another's. */
  #withdrawUnfit({ seen, inUse, isReady, foreignTags }: PoolInputs): void {
    const spent = new Set(seen?.spent);
    const used = new Set(seen?.used);
    for (const port of this.#in("offered")) {
      if (inUse.has(port.offset)) continue;
      const isSpent = port.kind === "closed" && spent.has(port.offset);
      const isUnfit = !used.has(port.offset) && isReady(port, port.kind) === false;
      if (isSpent || isUnfit || isDoubled(port, foreignTags)) this.#withdraw(port);
    }
  }

  /** A pod's port that shares its tag: each gets the other's packets, and OVN says nothing. */
  #doubled({ inUse, foreignTags }: PoolInputs): string | undefined {
    const doubled = [...this.#ports.values()].filter((port) => isDoubled(port, foreignTags));
    const tags = doubled.filter(({ offset }) => inUse.has(offset)).map(({ tag }) => tag);
    return tags.length === 0
      ? undefined
      : `somebody else has nested ports with the tags ${tags.join(", ")} of running pods in the same machine; remove those ports`;
  }

  #shrink(kind: PortKind, inputs: PoolInputs): void {
    const ready = this.#unused(kind, "offered", inputs);
    if (ready.length <= inputs.marks.high) return;
    for (const port of ready.slice(middleOf(inputs.marks))) this.#withdraw(port);
  }

  /** To keep a port that is there costs OVN nothing; to let it go and make another, later, does. */
  #reuse(kind: PortKind, inputs: PoolInputs, free: Set<Port>): void {
    let missing = this.#missing(kind, inputs);
    for (const port of free) {
      if (missing <= 0) break;
      if (isDoubled(port, inputs.foreignTags)) continue;
      free.delete(port);
      this.#put({ ...port, kind, state: "new" });
      this.#grew();
      missing--;
    }
  }

  /** Up to the low mark at once, since pods will need those ports soon. Answers what speaks against it. */
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

  /** On to the middle, as far as `allowance` goes. Answers how many were made. */
  #fillOn(kind: PortKind, inputs: PoolInputs, free: ReadonlySet<Port>, allowance: number): number {
    if (!this.#filling.has(kind)) return 0;
    const wanted = Math.min(allowance, this.#wanted(kind, inputs, free));
    const made = this.#make(kind, wanted, inputs);
    if (this.#missing(kind, inputs) <= 0 || made < wanted) this.#filling.delete(kind);
    return made;
  }

  /** Those that wait for the agent's word will be had for less than new ones. */
  #wanted(kind: PortKind, inputs: PoolInputs, free: ReadonlySet<Port>): number {
    const awaited = this.#unused(undefined, "withdrawn", inputs).length - free.size;
    return Math.max(0, this.#missing(kind, inputs) - awaited);
  }

  /** Answers how many there was room for. */
  #make(kind: PortKind, wanted: number, { most, foreignTags, now }: PoolInputs): number {
    for (let made = 0; made < wanted; made++) {
      const port = this.#ports.size < most.ports ? this.#source.take(foreignTags) : undefined;
      if (!port) return made;
      this.#put({ ...port, kind, state: "new" });
      this.#pace.asked(now);
    }
    return wanted;
  }

  /** How many unused ports of the kind there are less than there should be; negative when there are more. */
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

  /** Nothing of the change takes away what the agent could claim. */
  #grew(): void {
    if (this.#changed === "no") this.#changed = "more";
  }

  #put(port: Port): void {
    this.#ports.set(port.offset, port);
  }

  #in(state: Port["state"]): Port[] {
    return [...this.#ports.values()].filter((port) => port.state === state);
  }

  /** Ports without a pod, by their place; of any kind when `kind` is undefined. */
  #unused(kind: PortKind | undefined, state: Port["state"], { inUse }: PoolInputs): Port[] {
    return this.#in(state)
      .filter((port) => (kind === undefined || port.kind === kind) && !inUse.has(port.offset))
      .toSorted((a, b) => a.offset - b.offset);
  }
}

const isDoubled = ({ tag }: PoolPort, foreignTags: ReadonlySet<number>): boolean =>
  tag !== undefined && foreignTags.has(tag);
