// CHECK: whether an attachment is still as ADD left it. It changes nothing.

import { parseInterfaceAddress } from "../../model/ip.ts";
import { hostInterfaceOf } from "../host/links.ts";
import { hasAddresses, inspectLink } from "../host/podLink.ts";
import type { Run } from "../host/run.ts";
import { CniError, cniCode } from "../nouns/cniError.ts";
import type { Completion } from "../ovs/completion.ts";
import type { PodPorts } from "../ovs/ports.ts";
import type { CheckRequest } from "./request.ts";

interface Checked {
  readonly ports: PodPorts;
  readonly completion: Completion;
  readonly run: Run;
}

/** Throws a CniError that says what is no longer as ADD left it. */
export async function check({ completion, ports, run }: Checked, request: CheckRequest): Promise<void> {
  const wrong = (what: string): CniError =>
    new CniError(cniCode.notAsAttached, `container ${request.container}, ${request.ifname}: ${what}`);
  ports.requireDatabase();
  const row = ports.named(hostInterfaceOf(request.container, request.ifname));
  if (!row) throw wrong("no interface in Open vSwitch");
  if (row.error !== undefined) throw wrong(`Open vSwitch says ${row.error}`);
  const port = row.external_ids.get("iface-id") ?? "";
  if (!completion.isComplete(row)) throw wrong(`waits for ${completion.awaited(port, row.name)}`);
  const found = await inspectLink(run, request.ifname, request.netns);
  if (!found) throw wrong(`no such interface in ${request.netns}`);
  if (request.mac !== undefined && found.mac !== request.mac.toLowerCase()) {
    throw wrong(`its MAC is not ${request.mac}`);
  }
  const wanted = request.addresses.flatMap((text) => parseInterfaceAddress(text) ?? []);
  if (wanted.length < request.addresses.length || !hasAddresses(found, wanted)) {
    throw wrong(`its addresses are not ${request.addresses.join(", ")}`);
  }
}
