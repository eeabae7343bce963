// Kubernetes' published module, as Go downloads it: its go.mod and go.sum, and the few files that images need.

import { run } from "../../../sandbox/process/run.ts";
import { versions } from "./versions.ts";

const downloadMs = 10 * 60_000;

/** The folder of the module, downloaded and checked by Go. */
export async function kubernetesSource(): Promise<string> {
  const argv = ["go", "mod", "download", "-json", `k8s.io/kubernetes@v${versions.kubernetes}`];
  const answer: { readonly Dir?: string } = JSON.parse(
    await run(argv, { timeoutMs: downloadMs }).catch((cause: unknown) => {
      throw new Error(
        `Kubernetes ${versions.kubernetes} is built from Go modules, which needs Go 1.26 or later and a module proxy: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }),
  );
  if (answer.Dir === undefined) throw new Error(`${argv.join(" ")} names no folder`);
  return answer.Dir;
}
