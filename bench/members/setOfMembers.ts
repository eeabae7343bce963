// One Address_Set in a northbound database of its own, filled by the facts of as many owners as it has members, with an
// engine that maintains it. Beside it is a second set of the same size, which is changed by hand.

import { Engine } from "../../src/apply/engine.ts";
import { Desired } from "../../src/desired/desired.ts";
import type { Fact } from "../../src/model/fact.ts";
import { namesOf } from "../../src/model/names.ts";
import type { NorthboundTables } from "../../src/ovn/northbound.gen.ts";
import { northbound } from "../../src/ovn/northbound.gen.ts";
import { type Replica, type Selected, Session, Transaction } from "../../src/ovsdb/index.ts";
import { FactList } from "../../src/plan/facts.ts";
import { northboundSchema, startOvsdbServer } from "../../test/real/ovsdbServer.ts";

const scope = {
  cluster: "weft",
  destination: { zone: "global", database: "OVN_Northbound" },
  names: namesOf("weft"),
};
const table = "Address_Set";
/** As many owners as a planner handles before it lets others run. */
const ownersAtOnce = 200;

/** The address of a member in one of its lives. */
export const addressOf = (member: number, life: number): string =>
  `10.${life % 200}.${member >> 8}.${member & 255}`;

export class SetOfMembers implements AsyncDisposable {
  readonly size: number;
  readonly #stack: AsyncDisposableStack;
  readonly #stopping = new AbortController();
  readonly #desired = new Desired();
  readonly #session: Session;
  readonly #replica: Replica<Selected<NorthboundTables, { readonly [table]: true }>>;
  readonly #engine: Engine;
  readonly #row: string;
  readonly #byHand = crypto.randomUUID();

  private constructor(size: number, session: Session, stack: AsyncDisposableStack) {
    this.size = size;
    this.#stack = stack;
    this.#session = session;
    this.#replica = session.replica(northbound, { [table]: true });
    const facts = new FactList(scope, "cluster");
    this.#row = facts.row(table, "members", { name: "weft_members" });
    this.#desired.replace("cluster", facts.facts);
    this.#engine = new Engine({
      ...scope,
      database: northbound,
      desired: this.#desired,
      session,
      replica: this.#replica,
      clock: {
        now: () => performance.now(),
        after: (ms, action) => {
          const timer = setTimeout(action, ms);
          return () => clearTimeout(timer);
        },
      },
      log: (_level, message, fields) => console.error(message, fields),
    });
  }

  /** A filled set with nothing left to do. */
  static async of(size: number): Promise<SetOfMembers> {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await startOvsdbServer(northboundSchema));
    const session = stack.use(new Session({ remotes: [server.remote], database: "OVN_Northbound" }));
    session.start();
    const set = new SetOfMembers(size, session, stack.move());
    await set.#fill();
    return set;
  }

  async #fill(): Promise<void> {
    const running = this.#engine.run(this.#stopping.signal);
    this.#stack.defer(() => running);
    this.#engine.allSynced();
    await this.changeAll(0);
    const addresses = Array.from({ length: this.size }, (_, member) => addressOf(member, 0));
    await this.#session.transact(
      new Transaction(northbound).insert(table, { name: "by_hand", addresses }, this.#byHand),
    );
    await this.#engine.settled();
  }

  /** Gives one member another address by facts. Resolves when the database has it. */
  async changeOne(member: number, life: number): Promise<void> {
    this.#desired.replace(ownerOf(member), this.#factsOf(member, life));
    await this.#engine.committed(ownerOf(member));
  }

  /** Does the same by hand, in the other set. Resolves when the replica shows it. */
  async changeOneByHand(member: number, life: number): Promise<void> {
    const seen = Promise.withResolvers<void>();
    const stop = this.#replica.subscribe((changes) => {
      if (changes.some(({ uuid }) => uuid === this.#byHand)) seen.resolve();
    });
    await this.#session.transact(
      new Transaction(northbound)
        .mutateSet(table, this.#byHand, "addresses", "insert", [addressOf(member, life)])
        .mutateSet(table, this.#byHand, "addresses", "delete", [addressOf(member, life - 1)]),
    );
    await seen.promise;
    stop();
  }

  /** Gives every member another address by facts, a few at a time as a planner does. */
  async changeAll(life: number): Promise<void> {
    for (let member = 0; member < this.size; member++) {
      this.#desired.replace(ownerOf(member), this.#factsOf(member, life));
      if (member % ownersAtOnce === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#engine.settled();
  }

  /** Empties the set behind the engine's back. Resolves when it is full again. */
  async emptyByHand(): Promise<void> {
    await this.#session.transact(new Transaction(northbound).update(table, this.#row, { addresses: [] }));
    while (this.#replica.table(table).get(this.#row)?.addresses.length !== this.size) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      await this.#engine.settled();
    }
  }

  #factsOf(member: number, life: number): readonly Fact[] {
    const facts = new FactList(scope, ownerOf(member));
    facts.member(table, this.#row, "addresses", addressOf(member, life));
    return facts.facts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping.abort();
    await this.#stack[Symbol.asyncDispose]();
  }
}

const ownerOf = (member: number): string => `pod/default/member-${member}`;
