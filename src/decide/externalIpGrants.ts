// Which of its external IPs a Service may have: those in ranges that the operator allows, that are nobody else's. A spec
// can be written by anyone who may write a Service, so plans go by the grant in its status (CVE-2020-8554).

import type { Service } from "../kube/objects.ts";
import type { Stores } from "../kube/stores.ts";
import { type Cidr, contains, parseIp } from "../model/ip.ts";
import type { Owner } from "../model/owner.ts";
import type { OuterTaken } from "./outerTaken.ts";
import { addressProblem, type OwnRange } from "./ownRanges.ts";
import {
  isBefore,
  isSameIps,
  ownerOfService,
  type ServiceNews,
  type WriteServiceStatus,
} from "./serviceStatus.ts";

export interface ExternalIpGrantsOptions {
  /** What a Service may have as external IP. */
  readonly externalIps: readonly Cidr[];
  readonly stores: Pick<Stores, "Service">;
  /** The addresses of the cluster and its nodes, which are not granted. */
  readonly ownRanges: () => readonly OwnRange[];
  /** Those of the cluster alone: a node may lie, so what it reports takes no granted address away. */
  readonly clusterRanges: () => readonly OwnRange[];
  readonly write: WriteServiceStatus;
  readonly taken: Pick<OuterTaken, "byFloating" | "waiting">;
  readonly news: ServiceNews;
}

export class ExternalIpGrants {
  readonly #options: ExternalIpGrantsOptions;

  constructor(options: ExternalIpGrantsOptions) {
    this.#options = options;
  }

  async decide(service: Service): Promise<void> {
    const { externalIps = [], grantedIps = [] } = service;
    const forNew = externalIps.length > 0 ? this.#options.ownRanges() : [];
    const forGranted = grantedIps.length > 0 ? this.#options.clusterRanges() : [];
    const rangesFor = (text: string) => (grantedIps.includes(text) ? forGranted : forNew);
    const problems = new Map(
      externalIps.map((text) => [text, this.#problem(service, text, rangesFor(text))]),
    );
    const refused = [...problems.values()].flatMap((problem) => problem ?? []);
    this.#options.news.say(
      service,
      "AddressRefused",
      refused.length > 0 ? `external IPs are not served: ${refused.join("; ")}` : undefined,
    );
    const granted = externalIps.filter((text) => problems.get(text) === undefined);
    if (!isSameIps(granted, grantedIps)) await this.#options.write(service, { granted });
  }

  /** The Services that ask for one of these addresses. */
  asking(ips: readonly string[]): readonly Owner[] {
    return ips.flatMap((ip) => this.#options.stores.Service.by("externalIp", ip).map(ownerOfService));
  }

  /** Why the Service may not have the address; undefined when it may. */
  #problem(service: Service, text: string, ranges: readonly OwnRange[]): string | undefined {
    const { externalIps, taken } = this.#options;
    const ip = parseIp(text);
    if (!ip || !externalIps.some((range) => contains(range, ip)))
      return `${text} is in no range that the controller's --external-ips allows`;
    const floating = taken.byFloating(text);
    if (floating !== undefined) taken.waiting.add(ownerOfService(service));
    const problem = addressProblem(ranges, ip) ?? (floating && `${text} is that of ${floating}`);
    return problem ?? this.#rivalOf(service, text);
  }

  /** A Service that has an address and port keeps it. If several ask at the same time, the first by name gets it. */
  #rivalOf(service: Service, ip: string): string | undefined {
    const has = ({ grantedIps = [] }: Service): boolean => grantedIps.includes(ip);
    const rival = this.#options.stores.Service.by("externalIp", ip).find(
      (other) =>
        other.uid !== service.uid &&
        (has(other) === has(service) ? isBefore(other, service) : has(other)) &&
        other.ports.some((a) => service.ports.some((b) => a.port === b.port && a.protocol === b.protocol)),
    );
    return rival && `${ip} is that of Service ${rival.namespace}/${rival.name} with the same port`;
  }
}
