// `make test-kernel`: the kernel datapath of Open vSwitch, which production runs and which needs a kernel module, in a
// virtual machine that shares this machine's disk. Last line: `N passed, N failed`; the exit status is 0 only when all
// has passed.

import { join } from "node:path";
import { parseArgs } from "node:util";
import { installPackages } from "../../sandbox/install/packages.ts";
import { chosenFolder } from "../../sandbox/ovn/choice.ts";
import { kernelImage } from "./image.ts";
import { linesOf } from "./machine.ts";
import { chosenParts } from "./parts.ts";
import { type Ended, parseReport, table } from "./report.ts";

const root = join(import.meta.dirname, "../..");
const consoleFile = join(root, "build/kernel-console.log");
const guestPath = [
  join(root, "node_modules/.bin"),
  "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
].join(":");
/** program -> Debian package */
const programs: ReadonlyMap<string, string> = new Map([
  ["qemu-system-x86_64", "qemu-system-x86"],
  ["depmod", "kmod"],
]);

const start = performance.now();
const say = (line: string): void => {
  const minutes = (performance.now() - start) / 60_000;
  console.log(`${minutes.toFixed(1).padStart(5)} min  ${line}`);
};

const { values: options } = parseArgs({
  options: { only: { type: "string", default: "" }, minutes: { type: "string", default: "240" } },
});

const stopping = new AbortController();
const stop = (): void => stopping.abort(new Error("interrupted"));
process.once("SIGINT", stop).once("SIGTERM", stop);

try {
  const words = options.only.split(",").filter((word) => word !== "");
  const expected = chosenParts(words).length;
  await installPackages(programs, say);
  const results = await runGuest(words);
  const failed = results.filter(({ passed }) => !passed).length + (expected - results.length);
  console.log(`\n${table(results)}\n\nthe console: ${consoleFile}`);
  console.log(`${expected - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 ? 0 : 1;
} catch (error) {
  console.error(`test-kernel: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 2;
}

/** Without the parts that the guest never came to. */
async function runGuest(words: readonly string[]): Promise<readonly Ended[]> {
  const image = await kernelImage(say);
  say(`booting Linux ${image.version}`);
  const ovn = chosenFolder() ?? "host";
  const program = ["node", join(import.meta.dirname, "guest.ts"), ...words];
  const results: Ended[] = [];
  const boot = {
    image,
    directory: root,
    command: ["env", `PATH=${guestPath}`, `WEFT_OVN=${ovn}`, ...program].join(" "),
    consoleFile,
    signal: stopping.signal,
    limitMs: Number(options.minutes) * 60_000,
  };
  try {
    for await (const line of linesOf(boot)) {
      const report = parseReport(line);
      if (report.event === "begins") say(`${report.part} …`);
      if (report.event === "done") return results;
      if (report.event !== "ends") continue;
      results.push(report);
      say(`${report.passed ? "ok  " : "FAIL"} ${report.part}: ${report.words}`);
    }
    say("the virtual machine ended before all was done");
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
  }
  return results;
}
