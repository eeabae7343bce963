// Things about a node that are not wrong but may surprise an operator. Each is logged once, and again only if it comes
// back.

import type { Log } from "../kube/clock.ts";

/** Takes all remarks that hold now, and logs those that did not hold before. */
export function remarksTo(log: Log): (remarks: readonly string[]) => void {
  let said: ReadonlySet<string> = new Set();
  return (remarks) => {
    for (const remark of remarks) if (!said.has(remark)) log("warn", remark, {});
    said = new Set(remarks);
  };
}
