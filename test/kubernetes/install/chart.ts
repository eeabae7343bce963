// Weft as its users install it: the image and the Helm chart. The nodes keep their Open vSwitch, as
// `node.openVSwitch: host` has it, because the machine's kernel may lack the module. All else is the chart's.

import { existsSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { type RunOptions, run } from "../../../sandbox/process/run.ts";
import { roles } from "../../../src/check/rights.ts";
import { programFolder } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { apiPort, type NodePlaces, type Places } from "../cluster/places.ts";
import { ctr } from "../node/ctr.ts";
import { cloudValues } from "./cloud.ts";
import type { Installation } from "./installation.ts";

const checkout = join(import.meta.dirname, "../../..");
export const imageFile = join(checkout, "build/weft-image.tar");
const chart = join(checkout, "deploy/helm/weft");
const minutes = 60_000;

/** Until all of it is ready. */
export const waiting = ["--wait", "--timeout=4m"];

type Values = Readonly<Record<string, unknown>>;

export const asChart: Installation = chartWith(() => ({}));

/** With these values on top of what every cluster needs. */
export function chartWith(values: (cluster: Cluster) => Values): Installation {
  return {
    about: "image and Helm chart",
    mode: "overlay",
    parts: "ovs",
    roles,
    async install(cluster, signal) {
      for (const node of cluster.places.nodes) await importImage(node);
      await upgradeChart(cluster, values(cluster), waiting, signal);
    },
  };
}

/** The values for databases on these nodes. */
export const centralOn = ({ nodes }: Places, names: readonly string[]): Values => ({
  nodes: names.map((name) => ({
    name,
    address: nodes.find(({ host }) => host.name === name)?.addresses[0] ?? "",
  })),
});

/** Installs the chart, or changes what is installed to these values on top of what every cluster needs. `more` are options for Helm. */
export async function upgradeChart(
  cluster: Cluster,
  values: Values,
  more: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const { places } = cluster;
  const needed = {
    apiServer: { host: places.controlPlane.addresses[0], port: apiPort },
    ...(places.layout.tenant
      ? cloudValues(places.layout, places.layout.tenant)
      : { central: centralOn(places, [places.controlPlane.host.name]) }),
    clusterCidrs: places.layout.clusterCidrs,
    serviceCidrs: places.layout.serviceCidrs,
    node: { openVSwitch: "host", datapath: "netdev" },
    // Kubernetes' own test of externalIPs asks for one of these.
    controller: { extraArgs: ["--external-ips=203.0.113.0/24,2001:db8::/32"] },
    // Another build is another tag, so that a cluster that is up takes it.
    image: { tag: (await builtImage()).tag },
  };
  const input = JSON.stringify({ ...needed, ...values });
  await helm(cluster, ["upgrade", "--install", "weft", chart, "--values=-", ...more], {
    input,
    ...(signal && { signal }),
  });
}

export const helm = (
  { places }: Cluster,
  args: readonly string[],
  options: Pick<RunOptions, "input" | "signal"> = {},
): Promise<string> =>
  run(
    [join(programFolder, "helm"), ...args, "--namespace=kube-system", `--kubeconfig=${places.kubeconfig}`],
    { timeoutMs: 5 * minutes, ...options },
  );

const indexSchema = v.object({
  manifests: v.tuple([
    v.object({ digest: v.string(), annotations: v.object({ "io.containerd.image.name": v.string() }) }),
  ]),
});

/** What `make image` has built last: its name, and the beginning of its digest as a tag of its own. */
async function builtImage(): Promise<{ readonly name: string; readonly tag: string }> {
  const index = v.parse(indexSchema, JSON.parse(await run(["tar", "-xOf", imageFile, "./index.json"])));
  const [{ digest, annotations }] = index.manifests;
  return { name: annotations["io.containerd.image.name"], tag: digest.replace("sha256:", "").slice(0, 12) };
}

/** Brings the image onto the node, under a tag of its own. */
export async function importImage(node: NodePlaces): Promise<void> {
  if (!existsSync(imageFile)) throw new Error(`${imageFile} is missing; build it with: make image`);
  await ctr(node, "images", "import", imageFile);
  await tagImage(node, (await builtImage()).tag);
}

/** Gives the image that `make image` has built last another tag on the node. */
export async function tagImage(node: NodePlaces, tag: string): Promise<void> {
  const { name } = await builtImage();
  await ctr(node, "images", "tag", "--force", name, name.replace(/:[^:]*$/, `:${tag}`));
}
