// Running pods follow the MTU of their node's uplink.

import { inspectLink, retuneLink } from "../host/podLink.ts";
import { CommandError, type Run } from "../host/run.ts";
import type { PodMtu } from "../nouns/link.ts";
import { networkIn, type PodPorts } from "../ovs/ports.ts";
import { attachmentKeys } from "../ovs/vswitch.ts";

/**
 * Gives the running pods the MTU that new ones get, after it has changed. Returns a sentence for each pod where that
 * failed; the others are done. It does not wait for an ADD or DEL of the same pod: at worst it finds a part gone.
 */
export async function retune(ports: PodPorts, run: Run, mtu: PodMtu): Promise<readonly string[]> {
  const failures: string[] = [];
  for (const { id, row } of ports.all()) {
    const netns = row.external_ids.get(attachmentKeys.netns);
    const formerBytes = Number(row.mtu ?? mtu.linkBytes);
    if (formerBytes === mtu.linkBytes || netns === undefined) continue;
    if (!(await inspectLink(run, id.ifname, netns))) continue;
    const link = { hostInterface: row.name, netns, ifname: id.ifname, network: networkIn(row), mtu };
    try {
      await retuneLink(run, link, formerBytes);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const pod = row.external_ids.get(attachmentKeys.pod);
      failures.push(`pod ${pod} keeps its MTU of ${formerBytes}: ${error.message}`);
    }
  }
  return failures;
}
