// Times each step of a pod's birth, as the controller sees it. Only pods that it saw before they had an address are
// timed: after a restart, nothing is known of the others. Only pods in flight are kept, and none for longer than ten
// minutes: another controller may lead, and a pod with a port from a pool never takes all steps.

/** In the order in which they happen. With the last one OVN confirms that the pod's flows are in place. */
export const birthSteps = ["seen", "decided", "committed", "bound", "installed"] as const;
export type BirthStep = (typeof birthSteps)[number];

/** Milliseconds from `seen` to each step reached. */
export type Timeline = Readonly<Partial<Record<BirthStep, number>>>;

const longestMs = 600_000;

export interface BirthsOptions {
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Called for each step of a finished birth, with the time since the step before it. */
  readonly onStep: (step: BirthStep, sincePreviousMs: number) => void;
  /** Called when the last step is reached. */
  readonly onBorn: (pod: string, timeline: Timeline) => void;
}

export class Births {
  readonly #options: BirthsOptions;
  /** pod -> when it was seen, and which steps it has reached since */
  readonly #inFlight = new Map<
    string,
    { readonly start: number; readonly reached: Partial<Record<BirthStep, number>> }
  >();

  constructor(options: BirthsOptions) {
    this.#options = options;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Notes that a step was reached. Steps may come in any order. Repeated steps and pods that were never seen are ignored. */
  reach(pod: string, step: BirthStep): void {
    const now = this.#options.now();
    if (step === "seen" && !this.#inFlight.has(pod)) {
      this.#forgetBefore(now - longestMs);
      this.#inFlight.set(pod, { start: now, reached: {} });
    }
    const birth = this.#inFlight.get(pod);
    if (!birth || birth.reached[step] !== undefined) return;
    birth.reached[step] = now - birth.start;
    if (birthSteps.some((each) => birth.reached[each] === undefined)) return;
    this.#inFlight.delete(pod);
    let previousMs = 0;
    for (const each of birthSteps) {
      const reachedMs = birth.reached[each] ?? 0;
      this.#options.onStep(each, Math.max(0, reachedMs - previousMs));
      previousMs = reachedMs;
    }
    this.#options.onBorn(pod, birth.reached);
  }

  /** Entries are in the order of their start. */
  #forgetBefore(start: number): void {
    for (const [pod, birth] of this.#inFlight) {
      if (birth.start >= start) return;
      this.#inFlight.delete(pod);
    }
  }

  /** Forgets the pod, whether its birth is complete or not. */
  forget(pod: string): void {
    this.#inFlight.delete(pod);
  }
}
