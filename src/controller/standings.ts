// Which security profiles pods have, as the stores hold pods, namespaces and profiles now (select/profileStanding.ts); and whose
// standing a change may have changed. The labels of a namespace count as long as its pods run, not only when they begin.

import type { Pod } from "../kube/objects.ts";
import { asksTheSame } from "../kube/policies.ts";
import type { Stores } from "../kube/stores.ts";
import { type Owner, parseOwner } from "../model/owner.ts";
import { sidesOf } from "../observe/concerns.ts";
import { type ProfileStanding, profileOwner, profileStandingOf } from "../select/profileStanding.ts";

export interface StandingsOptions {
  readonly stores: Pick<Stores, "Namespace" | "Pod" | "SecurityProfile">;
  /** Whether the owner has rows, and nobody knows yet whether its object still exists. */
  readonly isUnconfirmed: (owner: Owner) => boolean;
  /** Pods ask for profiles, so some may have to be closed. */
  readonly onClaim: () => void;
  /** The standing of these pods may be another one. */
  readonly onChange: (pods: readonly Pod[]) => void;
}

export class Standings {
  readonly #options: StandingsOptions;

  constructor(options: StandingsOptions) {
    this.#options = options;
  }

  of(pod: Pod): ProfileStanding {
    const { stores, isUnconfirmed } = this.#options;
    return profileStandingOf(pod, stores, isUnconfirmed);
  }

  /** Follows the stores, which must be complete. Returns a function that ends it. */
  begin(): () => void {
    const { stores, onClaim, onChange } = this.#options;
    const stops = [
      stores.Pod.subscribe((changes) => {
        if (changes.some((change) => change.new?.profiles)) onClaim();
      }),
      stores.Namespace.subscribe((changes) => {
        const changed = new Set(
          changes.flatMap((change) =>
            change.old?.labels === change.new?.labels ? [] : sidesOf(change).map(({ name }) => name),
          ),
        );
        if (changed.size > 0) onChange(this.#concerned().filter(({ namespace }) => changed.has(namespace)));
      }),
      stores.SecurityProfile.subscribe((changes) => {
        for (const change of changes) {
          if (change.old && change.new && asksTheSame(change.old, change.new)) continue;
          const isForAll = sidesOf(change).some(({ assignment }) => assignment === "Always");
          const named = change.new?.name ?? change.old?.name ?? "";
          onChange(isForAll ? [...stores.Pod.values()] : stores.Pod.by("profile", named));
        }
      }),
    ];
    if (this.#claiming().length > 0) onClaim();
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** The owner's object is there, or known to be gone. */
  confirmed(what: string): void {
    const { name } = parseOwner(what);
    if (what === profileOwner(name)) this.#options.onChange(this.#options.stores.Pod.by("profile", name));
  }

  /** The pods whose standing depends on the labels of their namespaces. */
  #concerned(): readonly Pod[] {
    const { Pod, SecurityProfile } = this.#options.stores;
    return SecurityProfile.by("assignment", "Always").length > 0 ? [...Pod.values()] : this.#claiming();
  }

  #claiming(): readonly Pod[] {
    return [...this.#options.stores.Pod.values()].filter(({ profiles }) => profiles !== undefined);
  }
}
