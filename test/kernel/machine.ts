// The virtual machine: QEMU without KVM, which is not everywhere. Its clock counts instructions, one for each
// nanosecond (QEMU's -icount), so inside time passes as on a slow machine that nothing else uses, however slow the
// emulation is or busy the real machine: every wait and time limit of the sandbox and its tests holds as it is.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Image } from "./image.ts";

export interface Boot {
  readonly image: Image;
  /** Where the guest's program runs, on the disk that both share. */
  readonly directory: string;
  /** A command line for the shell, without double quotes. */
  readonly command: string;
  /** Gets what the kernel and the guest's program print. */
  readonly consoleFile: string;
  readonly limitMs: number;
  /** Ends the virtual machine. */
  readonly signal: AbortSignal;
}

/** Enough for the demo of underlay mode with three nodes and two hypervisors. */
const memory = "6G";

/** The lines that the guest writes to its second serial port. Ends when the guest has switched itself off. */
export async function* linesOf(boot: Boot): AsyncGenerator<string> {
  const child = spawn("nice", ["-n", "19", "qemu-system-x86_64", ...optionsOf(boot)], {
    stdio: ["ignore", "pipe", "inherit"],
    signal: AbortSignal.any([boot.signal, AbortSignal.timeout(boot.limitMs)]),
    killSignal: "SIGKILL",
  });
  const ended = once(child, "exit");
  // Looked at when the lines have ended.
  ended.catch(() => undefined);
  try {
    for await (const line of createInterface(child.stdout)) yield line.trimEnd();
    const [status]: unknown[] = await ended;
    if (status !== 0) throw new Error(`qemu-system-x86_64 ended with ${String(status)}`);
  } catch (error) {
    boot.signal.throwIfAborted();
    if (!(error instanceof Error && error.name === "AbortError")) throw error;
    throw new Error(`the virtual machine was not done after ${boot.limitMs / 60_000} minutes and was ended`, {
      cause: error,
    });
  } finally {
    child.kill("SIGKILL");
  }
}

function optionsOf({ image, directory, command, consoleFile }: Boot): readonly string[] {
  const kernelArguments = [
    // Less to emulate.
    "mitigations=off tsc=reliable apparmor=0 audit=0 nowatchdog",
    "console=ttyS0 quiet panic=-1",
    `weft_modules=${image.modules}`,
    `weft_directory=${directory}`,
    `"weft_guest=${command}"`,
  ];
  return [
    ...["-machine", "q35", "-accel", "tcg", "-cpu", "max,la57=off", "-smp", "1", "-m", memory],
    ...["-icount", "shift=0,sleep=on", "-rtc", "clock=vm"],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-monitor", "none"],
    ...["-kernel", image.kernel, "-initrd", image.initramfs, "-append", kernelArguments.join(" ")],
    ...["-virtfs", "local,path=/,mount_tag=disk,security_model=none,readonly=on,multidevs=remap"],
    ...["-serial", `file:${consoleFile}`, "-serial", "stdio"],
    ...["-object", "rng-random,id=random,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=random"],
  ];
}
