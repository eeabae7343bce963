// Whether a node's own nft reads the tables that the image's nft has written. The two may be years apart, and an old one
// that crashes takes the node's firewall service with it.

import { tryRun } from "../../../sandbox/process/run.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { inNode } from "../node/namespace.ts";
import type { Row } from "./verdict.ts";

const nodePort = 32_199;
const service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "host-nft", namespace: "default" },
  spec: { type: "NodePort", ports: [{ port: 80, nodePort }] },
};

/** One row for each node. */
export async function hostNftRows(cluster: Cluster): Promise<readonly Row[]> {
  await cluster.apply(JSON.stringify(service));
  try {
    return await Promise.all(
      cluster.places.nodes.map(async (node): Promise<Row> => {
        const row = {
          name: `${node.host.name}'s own nft reads Weft's tables`,
          group: "the node",
          seconds: 0,
        };
        const failure = await until("the node port", async () => {
          const { status, stdout } = await tryRun(inNode(node, ["nft", "list", "ruleset"]));
          if (status !== 0) throw new Error(`nft list ruleset: exit status ${status ?? "none (killed)"}`);
          return stdout.includes(`. ${nodePort} :`);
        }).then(
          () => "",
          (error: unknown) => String(error),
        );
        return { ...row, outcome: failure === "" ? "passed" : "failed", reason: failure };
      }),
    );
  } finally {
    await cluster.kubectl(["delete", "service", "-n", "default", service.metadata.name]);
  }
}
