// The agent's view of the API server's pods.

import type { Pod } from "../../kube/objects.ts";
import type { Source } from "../wait/whenever.ts";

/** The pods of this node as the API server last reported them; a `Store<Pod>` fits. */
export interface Pods extends Source {
  /** The API server does not feed the list at the moment, or has not sent all of it yet. */
  readonly lagging: boolean;
  get(namespace: string, name: string): Pod | undefined;
}
