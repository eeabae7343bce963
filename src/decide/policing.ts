// What decisions ask about policies: whether a pod's packets may pass yet. controller/podPolicing.ts answers.

import type { Pod } from "../kube/objects.ts";
import type { PortPlace } from "../observe/groupRows.ts";

/** A pod's port, and where its policies have to be in force. */
export interface PolicedPort extends PortPlace {
  /** The name of the chassis that carries it; undefined while nobody knows. */
  readonly chassis: string | undefined;
}

export interface Policing {
  /**
   * Resolves when every policy older than the pod is known and those that select it are in the database, so that a port
   * which is made now begins its life under them. Rejects when the term ends.
   */
  prepared(pod: Pod): Promise<void>;
  /**
   * Whether the policies that select the pod, perhaps none, are in force where its port is. While they are not, this is
   * worked on, and the node's pool is decided again when they are.
   */
  isInForce(pod: Pod, port: PolicedPort): boolean;
}
