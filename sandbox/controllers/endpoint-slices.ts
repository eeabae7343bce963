// The EndpointSlice controller: keeps the slices of every Service with a selector equal to what endpoints.ts and
// slices.ts compute. Other people's slices are never touched: only slices with this controller's label are its own.

import { pathOf } from "../../src/kube/resource.ts";
import type { Change } from "../../src/kube/store.ts";
import { type Kept, rawKinds, rawOf } from "../client/kinds.ts";
import type { EndpointSlice, Node, Pod, Service } from "../client/objects.ts";
import { stillThere } from "../client/still-there.ts";
import { atLeast, type Context, type Controller, going, keyOf, settled } from "./context.ts";
import { endpointGroups, isManaged } from "./endpoints.ts";
import { matchesLabels } from "./selectors.ts";
import { managedBy, managerName, serviceName, sliceWrites } from "./slices.ts";

export function endpointSliceController(context: Context): Controller {
  const { nodes, pods, services, slices } = context.stores;
  const zoneOf = (node: string): string | undefined =>
    nodes.get("", node)?.labels["topology.kubernetes.io/zone"];

  const selecting = ({ namespace, labels }: Kept<Pod>): readonly Kept<Service>[] =>
    services
      .by("namespace", namespace)
      .filter(({ raw }) => isManaged(raw) && matchesLabels(raw.spec?.selector ?? {}, labels));

  return {
    name: "endpointslice",
    watch: (add) => {
      services.subscribe((changes) => {
        for (const { new: service } of changes) if (service) add(keyOf(service));
      });
      pods.subscribe((changes) => {
        for (const pod of changes.flatMap((change) => [change.old, change.new])) {
          if (pod) for (const service of selecting(pod)) add(keyOf(service));
        }
      });
      nodes.subscribe((changes) => {
        const isMove = ({ old, new: node }: Change<Kept<Node>>): boolean =>
          old?.labels["topology.kubernetes.io/zone"] !== node?.labels["topology.kubernetes.io/zone"];
        if (changes.some(isMove)) for (const service of services.values()) add(keyOf(service));
      });
      slices.subscribe((changes) => {
        for (const slice of changes.flatMap((change) => [change.old, change.new])) {
          if (slice && isOwn(slice)) add(`${slice.namespace}/${slice.labels[serviceName]}`);
        }
      });
    },
    sync: async (namespace, name) => {
      const service = services.get(namespace, name);
      // When its Service is gone, the garbage collector deletes a slice by its owner reference.
      if (!service || !isManaged(service.raw) || service.deletionTimestamp !== undefined) return;
      const existing = slices
        .by("namespace", namespace)
        .filter((slice) => isOwn(slice) && slice.labels[serviceName] === name && !going(slice))
        .map(({ raw }) => raw);
      const members = pods.by("namespace", namespace).map(({ raw }) => raw);
      const writes = sliceWrites(service.raw, endpointGroups(service.raw, members, zoneOf), existing);
      // Creates first: an endpoint that moves between slices is briefly in both rather than in none.
      for (const slice of writes.create) await create(context, slice);
      for (const slice of writes.update) await update(context, slice);
      for (const slice of writes.remove) await remove(context, slice);
    },
  };
}

function isOwn(slice: Kept<EndpointSlice>): boolean {
  return slice.labels[managedBy] === managerName;
}

async function create({ client, stores }: Context, slice: EndpointSlice): Promise<void> {
  const path = pathOf(rawKinds.endpointSlice, slice.metadata.namespace);
  const { name: _empty, ...metadata } = slice.metadata;
  const made = rawOf(rawKinds.endpointSlice, await client.create(path, { ...slice, metadata }));
  await settled(stores.slices, placeOf(made), (kept) => kept?.uid === made.metadata.uid);
}

async function update({ client, stores }: Context, slice: EndpointSlice): Promise<void> {
  const { namespace, name } = placeOf(slice);
  const path = pathOf(rawKinds.endpointSlice, namespace, name);
  const made = rawOf(rawKinds.endpointSlice, await client.update(path, { ...slice }));
  await settled(stores.slices, placeOf(made), atLeast(made.metadata.resourceVersion));
}

async function remove({ client, stores }: Context, slice: EndpointSlice): Promise<void> {
  const { namespace, name } = placeOf(slice);
  const { uid } = slice.metadata;
  const path = pathOf(rawKinds.endpointSlice, namespace, name);
  await stillThere(() => client.delete(path, uid === undefined ? {} : { uid }));
  await settled(stores.slices, { namespace, name }, going);
}

const placeOf = ({ metadata: { namespace = "", name } }: EndpointSlice) => ({ namespace, name });
