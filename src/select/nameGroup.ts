// The addresses of a domain name that policies speak of, without those that an earlier rule passes on. They are not members of
// the cluster: the answers of DNS say which they are (kube/learnedName.ts).

import { hash } from "node:crypto";
import { type Cidr, formatCidr } from "../model/ip.ts";

export interface NameGroup {
  readonly kind: "name";
  /** `www.example.com` or `*.example.com`. */
  readonly pattern: string;
  readonly outside: readonly Cidr[];
}

export const nameGroupId = ({ pattern, outside }: NameGroup): string =>
  hash("sha256", [pattern, ...new Set(outside.map(formatCidr))].join(" "), "hex").slice(0, 16);
