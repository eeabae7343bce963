// What the agent has set on its node can be changed by anybody with root: a network manager, another agent, a person. A
// check compares one such thing with what it should be. upkeep.ts makes the checks, and sets everything again when one fails.

/** Who reports a change of it: the Open vSwitch database, rtnetlink or nftables, or nobody, so that it has to be looked at. */
export type Reporter = "database" | "kernel" | "nobody";

export interface Check {
  readonly reportedBy: Reporter;
  /**
   * The difference, as a clause: `weft0 is down`. The same words each time, because repairs are counted by them. Undefined
   * when there is none. Rejects if it cannot tell.
   */
  readonly difference: () => Promise<string | undefined>;
}

/** The first difference among `checks`, in their order. What cannot be told now is no difference. */
export async function firstDifference(checks: readonly Check[]): Promise<string | undefined> {
  const all = await Promise.all(checks.map(({ difference }) => difference().catch(() => undefined)));
  return all.find((each) => each !== undefined);
}
