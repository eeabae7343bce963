// The program of the virtual machine: loads the kernel's modules and runs the parts one after the other. What it has to
// say goes to the second serial port as JSON lines; everything else that is printed goes to the console.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { run } from "../../sandbox/process/run.ts";
import { chosenParts, type Part } from "./parts.ts";
import type { Report } from "./report.ts";

/** What a node of a cluster has loaded. `openvswitch` brings nf_conntrack and nf_nat. */
const modules = ["openvswitch", "vport-geneve", "sctp", "sctp_diag", "nf_tables", "nf_conntrack_netlink"];

/** `11 passed, 0 failed` of a test, `demo: 321/321 paths ok` of a demo. */
const lastWords = /^\d+ passed, \d+ failed$|paths ok$/;

const report = (line: Report): void => appendFileSync("/dev/ttyS1", `${JSON.stringify(line)}\n`);
const seconds = (): number => performance.now() / 1000;

await run(["modprobe", "-a", ...modules]);
await run(["ip", "link", "set", "lo", "up"]);
for (const part of chosenParts(process.argv.slice(2))) {
  report({ event: "begins", part: part.name });
  console.log(`---- ${part.name}`);
  const start = seconds();
  const { passed, words } = await resultOf(part);
  report({ event: "ends", part: part.name, passed, words, seconds: Math.round(seconds() - start) });
}
report({ event: "done" });

/** Runs the part and passes on what it prints. */
async function resultOf({ argv, env, limitSeconds }: Part): Promise<{ passed: boolean; words: string }> {
  const [file = "", ...args] = argv;
  const child = spawn(file, args, {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, WEFT_DATAPATH: "kernel", ...env },
  });
  const exit = once(child, "exit");
  const limit = setTimeout(() => child.kill("SIGTERM"), limitSeconds * 1000);
  let words = "it did not come to an end";
  for await (const line of createInterface(child.stdout)) {
    console.log(line);
    if (lastWords.test(line)) words = line;
  }
  const [status]: unknown[] = await exit;
  clearTimeout(limit);
  return { passed: status === 0, words };
}
