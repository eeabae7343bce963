// A second client of the northbound database: sees whether anything goes that carried traffic, or comes that stops it.

import { northboundTables } from "../../src/kinds/kinds.ts";
import { northboundScope } from "../../src/model/scope.ts";
import { rowUuid } from "../../src/model/uuid.ts";
import { type NorthboundTables, northbound } from "../../src/ovn/northbound.gen.ts";
import { type Replica, type Row, Session } from "../../src/ovsdb/index.ts";
import { linesOf } from "./rowLines.ts";

const { cluster, names } = northboundScope("demo", "global");

export class Witness implements AsyncDisposable {
  readonly #session: Session;
  readonly #replica: Replica<NorthboundTables>;
  /** What must stay. */
  #kept: ReadonlySet<string> = new Set();
  /** What must not come. */
  #isBarred: (line: string) => boolean = () => false;
  /** What went, and what came, against that. */
  readonly harm: string[] = [];

  constructor(remote: string) {
    this.#session = new Session({ remotes: [remote], database: "OVN_Northbound" });
    this.#replica = this.#session.replica(northbound, northboundTables);
    this.#replica.subscribe((changes) => {
      for (const { table, old, new: now } of changes) {
        const before = new Set(old && linesOf(table, old));
        const after = new Set(now && linesOf(table, now));
        for (const line of before.difference(after)) if (this.#kept.has(line)) this.harm.push(`- ${line}`);
        for (const line of after.difference(before)) if (this.#isBarred(line)) this.harm.push(`+ ${line}`);
      }
    });
    this.#session.start();
  }

  /**
   * What carries traffic: all lines but those about ready ports that no pod has, which come and go, and but for the MACs of
   * closed ports.
   */
  async lines(used: readonly string[]): Promise<ReadonlySet<string>> {
    await this.#replica.ready();
    const ports = [...this.#replica.table("Logical_Switch_Port").values()];
    const spare = ports
      .filter(({ name, addresses }) => name.startsWith("demo_pool_") && !hasOneOf(addresses, used))
      .map(({ _uuid: uuid }) => uuid);
    const all = [...this.#replica.tables].flatMap((table) =>
      [...this.#replica.table(table).values()].flatMap((row: Row) => [...linesOf(table, row)]),
    );
    return new Set(all.filter((line) => !spare.some((uuid) => line.includes(uuid)) && carriesTraffic(line)));
  }

  /** From now on these lines must stay, and nothing may close these ports, or, if `open` is "nothing new", come at all. */
  keep(lines: ReadonlySet<string>, open: readonly OpenPort[] | "nothing new"): void {
    this.#kept = lines;
    const closing = open === "nothing new" ? [] : open.map(closingLine);
    this.#isBarred =
      open === "nothing new"
        ? (line) => carriesTraffic(line) && !lines.has(line)
        : (line) => closing.includes(line);
    this.harm.length = 0;
  }

  /** From now on everything may go and come. */
  rest(): void {
    this.keep(new Set(), []);
  }

  /** Whether packets of the port are not dropped. */
  isOpen({ node, mac }: OpenPort): boolean {
    return this.#replica.table("Address_Set").get(closedSet(node))?.addresses.includes(mac) === false;
  }

  /** Whether a pod is reached at this address from outside. */
  isTranslated(outer: string): boolean {
    return [...this.#replica.table("NAT").values()].some(
      ({ type, external_ip: ip }) => type === "dnat_and_snat" && ip === outer,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]();
  }
}

/** A ready port that was opened for its pod. */
export interface OpenPort {
  readonly node: string;
  readonly mac: string;
}

/** Sets hold MACs of closed ports as well, and what the controller remembers. */
const carriesTraffic = (line: string): boolean => !line.startsWith("Address_Set") || line.includes("10.24");

const closingLine = ({ node, mac }: OpenPort): string => `Address_Set ${closedSet(node)} addresses ${mac}`;

const closedSet = (node: string) => rowUuid(cluster, "Address_Set", names.closedSet(node));

const hasOneOf = (addresses: readonly string[], ips: readonly string[]): boolean =>
  addresses.some((text) => text.split(" ").some((word) => ips.includes(word)));
