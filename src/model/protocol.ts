// The transports that ports have, in the spelling of Kubernetes, and in that of OVN, Open vSwitch and nftables.

export type Protocol = "TCP" | "UDP" | "SCTP";

export const lowerCase = { TCP: "tcp", UDP: "udp", SCTP: "sctp" } as const satisfies Readonly<
  Record<Protocol, string>
>;
