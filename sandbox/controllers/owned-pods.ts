// What the controllers of pods have in common: noticing changes of the pods they own, making a pod from a template,
// deleting one. Both writes wait until the store shows them, so that the next sync counts correctly.

import { pathOf } from "../../src/kube/resource.ts";
import type { Store } from "../../src/kube/store.ts";
import { type Kept, rawKinds, rawOf } from "../client/kinds.ts";
import type { Meta, Pod, PodSpec, PodTemplate, Raw } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { type Context, going, keyOf, settled } from "./context.ts";

/** A workload with a template for its pods. */
export type Workload = Raw & { readonly spec: { readonly template: PodTemplate } };

/** How a controller's objects are named in the owner references of their pods. */
export interface OwnerKind {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Adds the key of each workload that changes, and of the owner of each pod that changes. */
export function watchOwners<T extends Raw>(
  { stores: { pods } }: Context,
  owners: Store<Kept<T>>,
  { kind }: OwnerKind,
  add: (key: string) => void,
): void {
  owners.subscribe((changes) => {
    for (const { new: owner } of changes) if (owner) add(keyOf(owner));
  });
  pods.subscribe((changes) => {
    for (const pod of changes.map((change) => change.new ?? change.old)) {
      const owner = pod?.raw.metadata.ownerReferences?.find((one) => one.kind === kind);
      if (pod && owner) add(`${pod.namespace}/${owner.name}`);
    }
  });
}

export interface PodChoices {
  /** The API completes it, unless `name` is given. */
  readonly generateName?: string;
  readonly name?: string;
  /** In addition to those of the template. */
  readonly labels?: Meta["labels"];
  readonly annotations?: Meta["annotations"];
  /** Overrides that of the template. */
  readonly spec?: Partial<PodSpec>;
}

export async function createPod(
  { client, stores }: Context,
  { apiVersion, kind }: OwnerKind,
  { raw, namespace, name, uid }: Kept<Workload>,
  { labels, annotations, spec, ...named }: PodChoices,
): Promise<void> {
  const { template } = raw.spec;
  const owner = { apiVersion, kind, name, uid, controller: true, blockOwnerDeletion: true };
  const pod = rawOf(
    rawKinds.pod,
    await client.create(pathOf(rawKinds.pod, namespace), {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        ...(named.name === undefined && { generateName: `${name}-` }),
        ...named,
        labels: { ...template.metadata?.labels, ...labels },
        annotations: { ...template.metadata?.annotations, ...annotations },
        ownerReferences: [owner],
      },
      spec: { ...template.spec, ...spec },
    }),
  );
  const place = { namespace, name: pod.metadata.name };
  await settled(stores.pods, place, (kept) => kept?.uid === pod.metadata.uid);
}

export async function deletePod({ client, stores }: Context, pod: Kept<Pod>): Promise<void> {
  const path = pathOf(rawKinds.pod, pod.namespace, pod.name);
  await stillThere(() => client.delete(path, { uid: pod.uid }));
  await settled(stores.pods, pod, (kept) => kept?.uid !== pod.uid || going(kept));
}

export function isReady({ raw }: Kept<Pod>): boolean {
  return (raw.status?.conditions ?? []).some(({ type, status }) => type === "Ready" && status === "True");
}

export function hasEnded(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}
