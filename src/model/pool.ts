// A node's pool of ready ports, in the terms that controller and agent share. A port is named by its place in the
// node's subnets; address, MAC and OVN name follow from that, so a whole pool is a short list of numbers.

/** VLAN tags that a port may have: 0 means none, 4095 is reserved (IEEE 802.1Q, table 9-2). */
export const tags = { first: 1, last: 4094 } as const;

export interface PoolPort {
  /** The distance from the network address of each of the node's subnets. */
  readonly offset: number;
  /** The VLAN tag that tells a nested port apart on its parent; undefined where ports are not nested. */
  readonly tag: number | undefined;
}

/**
 * Names an offer. Each controller process makes a line of offers, which continues from the last offer of an earlier
 * line. After a restore of the API server's database, a second line may continue from an offer that already had
 * successors, and use the same generation numbers for other offers.
 */
export interface OfferName {
  /** Names the controller process; practically unique. */
  readonly line: string;
  /** The generation of the earlier line that this line continues from. */
  readonly from: number;
  /** Grows whenever the offer changes, across all lines. Only after the last number there is does a line begin with 1. */
  readonly generation: number;
}

export const linePattern = /^[0-9a-f]{1,16}$/;

/**
 * Whether an offer is at least as late as `taken`: by its generation in the same line, otherwise by where its line
 * began.
 */
export const isAsLate = (offer: OfferName, taken: Pick<OfferName, "line" | "generation">): boolean =>
  (offer.line === taken.line ? offer.generation : offer.from) >= taken.generation;

/**
 * What the controller lets a node's agent claim. Every port that the controller has made known is in one of the
 * lists.
 */
export interface PoolOffer extends OfferName {
  /** The generation in which something was last taken back. The controller waits until the agent acknowledges it. */
  readonly asked: number;
  /** Open ports: their packets pass at once. Only for pods that provably no policy selects. */
  readonly open: readonly PoolPort[];
  /** Closed ports: nothing passes until the controller, which then knows the pod, opens them. */
  readonly closed: readonly PoolPort[];
  /** Not to be claimed any more. They stay in the list, and in OVN, as long as the agent says that they are in use. */
  readonly withdrawn: readonly PoolPort[];
}

/** Whether the offer's own line has ever taken something back. Otherwise what was asked, an earlier line asked. */
export const hasAsked = ({ from, generation, asked }: OfferName & Pick<PoolOffer, "asked">): boolean =>
  asked > from || generation <= from;

/**
 * The agent's answer: it has taken in the offer of this line and generation, and ports that it does not name are not
 * in use. It acknowledges what was asked for, not every offer.
 */
export interface PoolSeen extends Pick<OfferName, "line" | "generation"> {
  /** Offsets of the ports that are claimed, or that rest after a claim. */
  readonly used: readonly number[];
  /**
   * The ports among `used` that have rested and wait for the controller: it may have opened a closed port for its last
   * pod and not have closed it since, and policies may count an open one as that pod's. Such a port returns only by being
   * withdrawn and offered anew.
   */
  readonly spent: readonly number[];
}
