// Whether lists and watches of one resource may be believed: whether the server that answers has what this process already
// knows (apiServer.ts). It may have been put back to an earlier state, or be a member of the API that is behind.

import type { ApiServer } from "./apiServer.ts";
import type { Resource } from "./resource.ts";
import { PlaceLost } from "./watchFailure.ts";

export class ServerStanding {
  readonly #resource: Resource;
  /** Undefined: whatever is answered is believed. */
  readonly #server: ApiServer | undefined;
  /** The newest version that was known when the running list was asked for. */
  #listedSince: bigint | undefined;

  constructor(resource: Resource, server: ApiServer | undefined) {
    this.#resource = resource;
    this.#server = server;
  }

  /** Called before a list: a doubt has to be known before the list changes what is known. */
  async beforeList(): Promise<void> {
    await this.#server?.look(this.#resource);
    this.#listedSince = this.#server?.known(this.#resource);
  }

  /**
   * Throws PlaceLost if the server does not have `resourceVersion`. A watch from there would be silent until the server has
   * caught up, and would never tell what happened before that.
   */
  async beforeResuming(resourceVersion: string): Promise<void> {
    if (!this.#server) return;
    await this.#server.look(this.#resource);
    if (!this.#server.hasReached(this.#resource, resourceVersion))
      throw new PlaceLost(`the server does not have version ${resourceVersion}: it has gone back`);
  }

  /** Throws PlaceLost when the list of this version is older than what is known, though the server is not. */
  async requireNewest(resourceVersion: string): Promise<void> {
    const server = this.#server;
    if (!server || server.isPresent(this.#resource, resourceVersion, this.#listedSince)) return;
    const wasInDoubt = server.isInDoubt(this.#resource);
    await server.look(this.#resource);
    if (!server.isInDoubt(this.#resource))
      throw new PlaceLost(`the list is of version ${resourceVersion}, and more is known`);
    // What the list has brought was not measured by that doubt.
    if (!wasInDoubt) throw new PlaceLost(server.doubt);
  }
}
