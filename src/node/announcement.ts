// Keeps on the Node what the controller has to know: who this node is and how it reaches the outside. It is written on the
// side: while the API server does not answer, nothing else in the agent waits for it.

import type { AnnotationValues } from "../kube/annotations.ts";
import type { KubeClient } from "../kube/client.ts";
import type { Log } from "../kube/clock.ts";
import { KubeError } from "../kube/error.ts";
import type { Node } from "../kube/objects.ts";
import type { Store } from "../kube/store.ts";
import { annotatorOf } from "./nodeObject.ts";
import { Bell } from "./wait/bell.ts";

const retryMs = { first: 200, longest: 5000 };

export interface AnnouncementOptions {
  readonly client: Pick<KubeClient, "patch">;
  readonly nodes: Pick<Store<Node>, "get">;
  readonly nodeName: string;
  /** Called with why the API server refuses it; with undefined when it does not. */
  readonly refused: (why: string | undefined) => void;
  readonly log: Log;
}

export class Announcement {
  readonly #options: AnnouncementOptions;
  readonly #bell = new Bell();
  #values: AnnotationValues = {};

  constructor(options: AnnouncementOptions) {
    this.#options = options;
  }

  /** To be called again when the Node has changed: somebody may have changed what it says. */
  readonly set = (values: AnnotationValues): void => {
    this.#values = values;
    this.#bell.ring();
  };

  /** Writes until `signal` is aborted. A write that failed is repeated. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, nodes, nodeName, refused, log } = this.#options;
    const annotate = annotatorOf(client);
    signal.addEventListener("abort", this.#bell.ring);
    let delayMs: number | undefined;
    for (let failure = ""; !signal.aborted; ) {
      await this.#bell.heard(delayMs);
      const node = nodes.get("", nodeName);
      if (!node || signal.aborted) continue;
      try {
        await annotate(node, this.#values, { signal });
        delayMs = undefined;
        failure = "";
        refused(undefined);
      } catch (error) {
        delayMs = Math.min((delayMs ?? retryMs.first / 2) * 2, retryMs.longest);
        const message = error instanceof Error ? error.message : String(error);
        if (signal.aborted || message === failure) continue;
        failure = message;
        log("warn", "what this node is could not be written on its Node, trying again", { error });
        refused(isRefusal(error) ? message : undefined);
      }
    }
  }
}

/** Whether doing the same again later does not help, as far as can be told. */
const isRefusal = (error: unknown): boolean =>
  error instanceof KubeError &&
  error.status >= 400 &&
  error.status < 500 &&
  ![404, 408, 409, 429].includes(error.status);
