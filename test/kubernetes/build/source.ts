// The published modules of Kubernetes and others, as Go downloads them: for their go.mod and go.sum, and for the few files
// that are wanted beside programs.

import { run } from "../../../sandbox/process/run.ts";
import { versions } from "./versions.ts";

const downloadMs = 10 * 60_000;

/** The folder of Kubernetes' module, downloaded and checked by Go. */
export const kubernetesSource = (): Promise<string> => moduleSource("k8s.io/kubernetes", versions.kubernetes);

/** The folder of a module, downloaded and checked by Go. The version is without its `v`. */
export async function moduleSource(module: string, version: string): Promise<string> {
  const argv = ["go", "mod", "download", "-json", `${module}@v${version}`];
  const answer: { readonly Dir?: string } = JSON.parse(
    await run(argv, { timeoutMs: downloadMs }).catch((cause: unknown) => {
      throw new Error(
        `${module} ${version} is built from Go modules, which needs Go 1.26 or later and a module proxy: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }),
  );
  if (answer.Dir === undefined) throw new Error(`${argv.join(" ")} names no folder`);
  return answer.Dir;
}
