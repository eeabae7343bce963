// Notices when the node's addresses, its default route, its routing rules or the bridge's MAC and MTU change, for example
// with a new DHCP lease. Open vSwitch's database says nothing about that, but the kernel does (rtnetlink(7)), and `ip
// monitor` prints it.

import { followMonitor } from "./followMonitor.ts";

export interface Followed {
  /** Everything of this interface counts, and the routes through it. */
  readonly device: string;
  /** Of all others, only their addresses count; but not of this one, which the agent itself configures. */
  readonly own: string;
  /** Called at the start, and after every change that counts and of every routing rule. */
  readonly changed: () => void;
  /** Called after every change of `own`, also the agent's. */
  readonly touched: () => void;
}

/** Returns when `signal` is aborted. */
export async function followAddresses(
  { device, own, changed, touched }: Followed,
  signal: AbortSignal,
): Promise<void> {
  const about = (name: string): string => `\\b${RegExp.escape(name)}(?:[:@\\s]|$)`;
  const isOther = new RegExp(`^\\[RULE\\]|^\\[ADDR\\](?!.*: ${RegExp.escape(own)}\\s)|${about(device)}`);
  const isOwn = new RegExp(about(own));
  await followMonitor(
    {
      program: "ip",
      args: ["-oneline", "monitor", "label", "link", "address", "route", "rule"],
      started: changed,
      line: (line) => {
        if (isOther.test(line)) changed();
        else if (isOwn.test(line)) touched();
      },
    },
    signal,
  );
}
