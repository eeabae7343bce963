// Pods of small worlds, and a naive reading of selectors and blocks of addresses.

import fc from "fast-check";

interface Requirement {
  readonly key: string;
  readonly operator: "In" | "NotIn" | "Exists" | "DoesNotExist";
  readonly values?: readonly string[];
}
export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>;
  readonly matchExpressions?: readonly Requirement[];
}
export type Protocol = "TCP" | "UDP" | "SCTP";
export type Labels = Readonly<Record<string, string>>;

export interface WorldPod {
  readonly namespace: string;
  readonly node: string;
  readonly labels: Labels;
  /** What it calls `web`, a TCP port. */
  readonly web: number | undefined;
  /** The security profiles that its annotation names. */
  readonly asks: string | undefined;
}

export interface Packet {
  readonly from: number;
  readonly to: number;
  readonly protocol: Protocol;
  readonly port: number;
  /** The IPv4 addresses of all pods, by their place in the world; undefined for a packet of IPv6. */
  readonly ip4: readonly string[] | undefined;
}

const value = fc.constantFrom("1", "2");
const key = fc.constantFrom("a", "b");
export const anyLabels: fc.Arbitrary<Labels> = fc.dictionary(key, value, { noNullPrototype: true });
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom("In" as const, "NotIn" as const),
    values: fc.array(value, { minLength: 1 }),
  }),
  fc.record({ key, operator: fc.constantFrom("Exists" as const, "DoesNotExist" as const) }),
);
export const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc.constant({}),
  fc.record({ matchLabels: anyLabels }),
  fc.record({ matchExpressions: fc.array(requirement, { minLength: 1, maxLength: 2 }) }),
);

export const matches = ({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([name, wanted]) => labels[name] === wanted) &&
  matchExpressions.every(({ key: name, operator, values = [] }) => {
    const found = labels[name];
    if (operator === "Exists") return found !== undefined;
    if (operator === "DoesNotExist") return found === undefined;
    const isListed = found !== undefined && values.includes(found);
    return operator === "In" ? isListed : !isListed;
  });

export function inRange(cidr: string, address: string): boolean {
  const [start = "", bits = ""] = cidr.split("/");
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(numberOf(start) / size) * size;
  return numberOf(address) >= first && numberOf(address) < first + size;
}

const numberOf = (address: string): number =>
  address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
