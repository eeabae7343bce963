// What a test run could leave on the machine: namespaces, links of the root namespace, run directories and
// processes of this project. Taken before and after; the difference must be empty.

import { readdirSync, readFileSync } from "node:fs";

/** Names of everything that looks like ours, each with its sort: `process 812 ovsdb-server …`. */
export function leftovers(): ReadonlySet<string> {
  return new Set([
    ...entries("/run/netns").map((name) => `namespace ${name}`),
    ...entries("/sys/class/net").map((name) => `link ${name}`),
    ...entries("/run/weft-sandbox").map((name) => `sandbox ${name}`),
    ...processes(),
  ]);
}

const daemons = /^(ovs-vswitchd|ovsdb-server|ovn-northd|ovn-controller|weft-cni|perl)$/;

function processes(): string[] {
  return entries("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const argv = read(`/proc/${pid}/cmdline`).split("\0");
      const program = argv[0]?.split("/").at(-1) ?? "";
      const ours = daemons.test(program) || argv.some((word) => /\/(sandbox|src)\/.*main\.ts$/.test(word));
      return ours ? [`process ${pid} ${argv.join(" ").trim()}`] : [];
    });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return []; // absent: nothing of that sort exists
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the process ended between the listing and the look
  }
}
