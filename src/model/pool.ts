// A node's pool of ready ports, as controller and agent speak of it. A port is named by its place in the node's subnets;
// its address, MAC and OVN name follow from that, so that a whole pool is a short list of numbers.

/** VLAN tags that a port may have: 0 means none, 4095 is reserved (IEEE 802.1Q, table 9-2). */
export const tags = { first: 1, last: 4094 } as const;

export interface PoolPort {
  /** From the network address of each of the node's subnets. */
  readonly offset: number;
  /** The VLAN by which a nested port is told apart on its parent; undefined where ports are not nested. */
  readonly tag: number | undefined;
}

/**
 * Which offer it is. One controller process makes a line of them, and goes on from the last offer of the line before. After a
 * restore of the API's database a second line may go on from an offer that had successors, with the same numbers for others.
 */
export interface OfferName {
  /** Of the controller process; as good as unique. */
  readonly line: string;
  /** The generation, of the line before, from which this line went on. */
  readonly from: number;
  /** Grows whenever the offer changes, over all lines. */
  readonly generation: number;
}

export const linePattern = /^[0-9a-f]{1,16}$/;

/** Whether an offer is not from before one that was taken in, in its own line or by what its line went on from. */
export const isAsLate = (offer: OfferName, taken: Pick<OfferName, "line" | "generation">): boolean =>
  (offer.line === taken.line ? offer.generation : offer.from) >= taken.generation;

/** What the controller lets a node's agent claim. Every port that the controller has told of is in one of the lists. */
export interface PoolOffer extends OfferName {
  /** The generation in which something was taken back last, for which the controller waits to be told. */
  readonly asked: number;
  /** Nothing keeps their packets back: only for a pod that provably no policy selects. */
  readonly open: readonly PoolPort[];
  /** Nothing passes until the controller, which then knows the pod, opens them. */
  readonly closed: readonly PoolPort[];
  /** Not to be claimed any more. They stay in the list, and in OVN, as long as the agent says they are used. */
  readonly withdrawn: readonly PoolPort[];
}

/**
 * The agent's answer: it has taken in the offer of this line and generation, and what it does not name it has not in use. It is
 * given to what was asked, not to every offer.
 */
export interface PoolSeen extends Pick<OfferName, "line" | "generation"> {
  /** Offsets of the ports that are claimed, or rest after a claim. */
  readonly used: readonly number[];
  /**
   * Of `used`, the closed ports that have rested. The controller may have opened such a port for its last pod, and may not
   * have closed it since: it comes back only by being withdrawn and offered anew.
   */
  readonly spent: readonly number[];
}
