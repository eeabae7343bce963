// What every verb works on: the stored objects and the few choices the server was started with.

import { randomUUID } from "node:crypto";
import type { KindRegistry } from "./kinds/registry.ts";
import type { ServiceAddresses } from "./kinds/service-addresses.ts";
import type { Clock } from "./objects.ts";
import type { ApiStore } from "./store/store.ts";

export interface Cluster {
  readonly store: ApiStore;
  readonly kinds: KindRegistry;
  readonly addresses: ServiceAddresses;
  readonly clock: Clock;
}

export const newUid = (): string => randomUUID();
