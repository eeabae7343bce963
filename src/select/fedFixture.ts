// Selections fed from stores as the controller feeds them, with a test in control of the steps of their job.

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Namespace, ObjectMeta, Pod } from "../kube/objects.ts";
import { type Edit, Store } from "../kube/store.ts";
import type { Place } from "../model/place.ts";
import { placesByStatus, type World } from "./selectFixture.ts";
import { Selections } from "./selections.ts";

export const fail = (error: unknown): never => {
  throw error;
};

export class Fed {
  readonly pods = new Store<Pod>({}, fail);
  readonly namespaces = new Store<Namespace>({}, fail);
  readonly source: Selections;

  constructor(
    run: (job: Iterator<void, void>) => Promise<void> = atOnce,
    placesOf: (pod: Pod) => readonly Place[] = placesByStatus,
  ) {
    this.source = new Selections({ placesOf, run, onError: fail });
    this.pods.subscribe((changes) => this.source.takePods(changes));
    this.namespaces.subscribe((changes) => this.source.takeNamespaces(changes));
  }

  get world(): World {
    return { pods: [...this.pods.values()], namespaces: [...this.namespaces.values()] };
  }

  async show({ pods, namespaces }: World): Promise<void> {
    this.namespaces.apply(editsTo(this.namespaces, namespaces));
    this.pods.apply(editsTo(this.pods, pods));
    await this.source.settled();
  }
}

let version = 0;
export const put = <T extends ObjectMeta>(object: T): Edit<T> => ({
  type: "put",
  object: { ...object, resourceVersion: String(++version) },
});
export const remove = ({ namespace, name }: ObjectMeta): Edit<never> => ({ type: "remove", namespace, name });

function editsTo<T extends ObjectMeta>(store: Store<T>, objects: readonly T[]): readonly Edit<T>[] {
  const names = new Set(objects.map(({ namespace, name }) => `${namespace}/${name}`));
  const gone = [...store.values()].filter(({ namespace, name }) => !names.has(`${namespace}/${name}`));
  return [...gone.map(remove), ...objects.map(put)];
}

export async function atOnce(job: Iterator<void, void>): Promise<void> {
  while (job.next().done !== true);
}

/** Lets others run after every step. */
export async function stepwise(job: Iterator<void, void>): Promise<void> {
  while (job.next().done !== true) await nextTurn();
}
