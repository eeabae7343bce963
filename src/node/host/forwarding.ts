// Lets the kernel forward packets, which node ports need. Most nodes already do, since kubeadm asks for it. With IPv6
// forwarding the kernel would stop accepting router advertisements, and drop the routes it has from them, unless it is
// told to continue (accept_ra = 2; net/ipv6 in the kernel's ip-sysctl documentation).

import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Family } from "../../model/ip.ts";
import type { Check } from "../nouns/check.ts";

const switches = { 4: "ipv4/ip_forward", 6: "ipv6/conf/all/forwarding" } as const;

/** Turns forwarding on where it is off. `root` is /proc/sys/net of the node's network namespace. */
export async function enableForwarding(families: readonly Family[], root = "/proc/sys/net"): Promise<Check> {
  await turnAllOn(families, root);
  return {
    reportedBy: "nobody",
    difference: async () => {
      for (const family of families)
        if (!(await isOn(join(root, switches[family])))) return `IPv${family} forwarding is off`;
      return undefined;
    },
  };
}

async function turnAllOn(families: readonly Family[], root: string): Promise<void> {
  if (families.includes(4)) await turnOn(join(root, switches[4]));
  if (!families.includes(6) || (await isOn(join(root, switches[6])))) return;
  for (const name of await readdir(join(root, "ipv6/conf"))) {
    const advertisements = join(root, "ipv6/conf", name, "accept_ra");
    if (await isOn(advertisements)) await writeFile(advertisements, "2");
  }
  await turnOn(join(root, switches[6]));
}

const isOn = async (file: string): Promise<boolean> => (await readFile(file, "utf8")).trim() === "1";

async function turnOn(file: string): Promise<void> {
  if (!(await isOn(file))) await writeFile(file, "1");
}
