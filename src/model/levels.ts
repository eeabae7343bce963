// The order of rules of one priority. Rules of a policy that follow each other and do the same need no order, so only a
// change between Accept and Deny takes a step. Even steps are Deny and odd ones Accept, so two policies of the same
// priority, which the API leaves undefined, are read side by side: what each denies first, then what each accepts first,
// and so on.
//
// Security profiles have no order: what one of a pod's profiles denies is denied, then what one allows is allowed.

export interface Levelled<R> {
  readonly rule: R;
  /**
   * A Pass in the Admin tier has the step of the rules before it, or -1 if there are none. Undefined for an Accept
   * beyond the last step, which has no effect; a Deny there shares the last step.
   */
  readonly level: number | undefined;
}

interface Rule {
  readonly action: "Accept" | "Deny" | "Pass";
  readonly isRest?: true;
}

/** The priority of what comes after all that a policy can have, which are 0 to 1000. */
export const lastPriority = 1001;

/** Odd numbers, so that the last step denies. */
export const levelCount = { Admin: 23, Profile: 3, Baseline: 7 } as const;

/** Behind the Baseline tier everything is accepted, so that a Pass there does the same. */
export function levelsOf<R extends Rule>(
  tier: keyof typeof levelCount,
  rules: readonly R[],
): readonly Levelled<R>[] {
  const last = levelCount[tier] - 1;
  if (tier === "Profile")
    return rules.map((rule) => ({ rule, level: rule.isRest ? last : rule.action === "Deny" ? 0 : 1 }));
  let level = -1;
  return rules.map((rule): Levelled<R> => {
    if (tier === "Admin" && rule.action === "Pass") return { rule, level };
    const parity = rule.action === "Deny" ? 0 : 1;
    const start = Math.max(level, 0);
    const next = start % 2 === parity ? start : start + 1;
    if (next > last) return { rule, level: parity === 0 ? last : undefined };
    level = next;
    return { rule, level };
  });
}
