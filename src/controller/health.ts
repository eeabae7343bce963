// Faults that a controller sees elsewhere, while it works itself. It is one picture for /readyz and metrics, and the
// leader writes it on the Lease, where `weft status` reads it.

import type { Staleness } from "../kube/staleness.ts";
import type { NorthdWatch } from "../observe/northdWatch.ts";

/** The parts of a cluster that a controller watches. */
export const parts = ["api", "southbound", "northd", "agents", "ranges"] as const;
export type Part = (typeof parts)[number];
export type Troubles = ReadonlyMap<Part, string>;

export interface HealthOptions {
  readonly staleness: Pick<Staleness, "problem">;
  readonly southbound: { readonly synced: boolean };
  readonly northd: Pick<NorthdWatch, "problem">;
  /** Only a leader knows about agents. */
  readonly agents: () => string | undefined;
  /** A configured range that is somebody else's too. */
  readonly ranges: () => string | undefined;
  readonly now: () => number;
}

const southboundPatienceMs = 10_000;

export class Health {
  readonly #options: HealthOptions;
  /** Since when the southbound database has been away. */
  #awaySince: number | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#awaySince = options.now();
  }

  get troubles(): Troubles {
    const { staleness, northd, agents, ranges } = this.#options;
    const found = {
      api: staleness.problem,
      southbound: this.#southbound(),
      northd: northd.problem,
      agents: agents(),
      ranges: ranges(),
    };
    return new Map(
      parts.flatMap((part) => (found[part] === undefined ? [] : [[part, found[part]] as const])),
    );
  }

  /** In one sentence, for /readyz. Silent agents and overlapping ranges do not count: they are not this controller's faults. */
  get problem(): string | undefined {
    return [...this.troubles].find(([part]) => part !== "agents" && part !== "ranges")?.[1];
  }

  #southbound(): string | undefined {
    const { southbound, now } = this.#options;
    if (southbound.synced) this.#awaySince = undefined;
    else this.#awaySince ??= now();
    if (this.#awaySince === undefined || now() - this.#awaySince < southboundPatienceMs) return undefined;
    return "the controller has no connection to the southbound database";
  }
}

/** The annotation on the Lease; undefined when there is nothing to say. */
export const troublesText = (troubles: Troubles): string | undefined =>
  troubles.size === 0 ? undefined : JSON.stringify(Object.fromEntries(troubles));

/** What the annotation says. An unreadable one counts as absent. */
export function troublesIn(text: string): Troubles {
  const found = parsed(text);
  return new Map(
    parts.flatMap((part) => {
      const said: unknown = found[part];
      return typeof said === "string" ? [[part, said] as const] : [];
    }),
  );
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
