// The two directions of a policy, as ACLs see them from the pod that it selects.

export type Direction = "ingress" | "egress";

interface Side {
  readonly direction: "to-lport" | "from-lport";
  /** The port of the pod that the policy selects. */
  readonly own: "outport" | "inport";
  /** Where the peers' addresses are. */
  readonly far: "src" | "dst";
}

export const sides = {
  ingress: { direction: "to-lport", own: "outport", far: "src" },
  egress: { direction: "from-lport", own: "inport", far: "dst" },
} as const satisfies Readonly<Record<Direction, Side>>;
