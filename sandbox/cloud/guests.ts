// Several sandboxes in one cloud: the one that owns the cloud, and its guests, which are further tenants. A guest is
// recognised by its settings alone, so nobody has to keep a list.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { baseEnvironment } from "../environment.ts";
import { namespacesWith } from "../fabric/netns.ts";
import { type Layout, layoutOf, type Settings } from "../layout.ts";
import { run } from "../process/run.ts";
import { weft } from "../processes.ts";
import { readSettings } from "../settings.ts";
import { disconnectTenant } from "./network.ts";

/** The sandboxes that are in the cloud of the sandbox `name`. */
export function guestsOf(name: string, base: string): readonly Settings[] {
  if (!existsSync(base)) return [];
  return readdirSync(base)
    .flatMap((other) => settingsIn(other, base) ?? [])
    .filter(({ cloud }) => cloud === name);
}

/** Throws when the sandbox cannot be in the cloud that its `settings` name. */
export function requireCloud({ name, cloud, families, vlan, datapath }: Settings, base: string): void {
  if (cloud === undefined) return;
  const owner = readSettings(join(base, cloud, "sandbox.json"));
  if (!owner || !isUp(layoutOf(owner, base)))
    throw new Error(`--cloud ${cloud}: start it first: weft sandbox up --mode underlay --name ${cloud}`);
  if (owner.mode !== "underlay" || owner.cloud !== undefined)
    throw new Error(`--cloud ${cloud}: that sandbox has no cloud of its own`);
  if (owner.families.join() !== families.join())
    throw new Error(
      `--cloud ${cloud}: both must have the same families; there IPv${owner.families.join(", IPv")}`,
    );
  if (owner.datapath !== datapath)
    throw new Error(`--cloud ${cloud}: both must have the same datapath; there it is ${owner.datapath}`);
  const taken = [owner, ...guestsOf(cloud, base)].find((other) => other.name !== name && other.vlan === vlan);
  if (taken)
    throw new Error(
      `--vlan ${vlan ?? "(none)"}: the machines of sandbox ${taken.name} have it; choose another`,
    );
}

/**
 * Removes what the sandbox `name` and its Weft have from the other sandbox's cloud. Does nothing when it is in no such
 * cloud, or the cloud is gone.
 */
export async function leaveCloud(name: string, base: string): Promise<void> {
  const settings = settingsIn(name, base);
  if (settings?.cloud === undefined) return;
  const layout = layoutOf(settings, base);
  if (!layout.tenant || !isUp(layout)) return;
  try {
    if (layout.parts === "all") {
      const northbound = `unix:${layout.central.northboundSocket}`;
      await run(weft("teardown", { cluster: name, northbound }), { env: baseEnvironment(layout) });
    }
    await disconnectTenant(layout, layout.tenant);
  } catch (cause) {
    throw new Error(
      `sandbox ${name} cannot be taken out of the cloud of ${settings.cloud}; start again what died there: weft sandbox up --mode underlay --name ${settings.cloud}`,
      { cause },
    );
  }
}

/** Also undefined for damaged settings, which must not keep anybody from taking a sandbox down. */
function settingsIn(name: string, base: string): Settings | undefined {
  try {
    return readSettings(join(base, name, "sandbox.json"));
  } catch {
    return undefined;
  }
}

const isUp = ({ central }: Layout): boolean => namespacesWith(central.netns).includes(central.netns);
