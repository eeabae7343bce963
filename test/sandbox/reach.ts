// Who reaches whom, for tests of policies: pods, and the nodes they run on, each asking a pod in both families.

import assert from "node:assert/strict";
import type { Cluster, Question } from "./cluster.ts";

/** For an answer. Half of the questions get none. */
export const limitSeconds = 2;

export class Reach {
  readonly #cluster: Pick<Cluster, "ask">;
  readonly #addresses: ReadonlyMap<string, readonly string[]>;
  readonly #everybody: readonly string[];

  private constructor(
    cluster: Pick<Cluster, "ask">,
    addresses: ReadonlyMap<string, readonly string[]>,
    nodes: Iterable<string>,
  ) {
    this.#cluster = cluster;
    this.#addresses = addresses;
    this.#everybody = [...addresses.keys(), ...nodes].toSorted();
  }

  /** `pods`: `namespace/name` of pods that are ready, and their nodes. */
  static async of(cluster: Cluster, pods: Readonly<Record<string, string>>): Promise<Reach> {
    const addresses = new Map<string, readonly string[]>();
    for (const full of Object.keys(pods)) {
      const [namespace = "", name = ""] = full.split("/");
      addresses.set(full, await cluster.addressesOf(namespace, name));
    }
    return new Reach(cluster, addresses, new Set(Object.values(pods)));
  }

  addressesOf(pod: string): readonly string[] {
    return this.#addresses.get(pod) ?? [];
  }

  /** One for each of the pod's addresses. */
  questions(to: string, port: number, way: Question["way"] = "tcp"): readonly Question[] {
    return this.addressesOf(to).map((address) => ({ way, address, port }));
  }

  /** Who gets an answer from `to` at `port` in both families; one that gets half is named so. */
  async to(to: string, port: number, way?: Question["way"]): Promise<readonly string[]> {
    const asked = this.questions(to, port, way);
    assert.equal(asked.length, 2);
    const found = await Promise.all(
      this.#everybody.map(async (from) => {
        const passed = (await this.#cluster.ask(from, asked, limitSeconds)).filter(({ ok }) => ok).length;
        return passed === 0 ? [] : [passed === asked.length ? from : `${from} by ${passed} family`];
      }),
    );
    return found.flat().toSorted();
  }
}
