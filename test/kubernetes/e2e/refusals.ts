// What the chart refuses only where there is a cluster to ask: a Secret that is not there. Nothing is installed for it.

import type { Cluster } from "../cluster/cluster.ts";
import { upgradeChart } from "../install/chart.ts";
import { cloudValues } from "../install/cloud.ts";
import type { Row } from "./verdict.ts";

const secret = "nobodys";

/** None in overlay mode, where the signer makes the Secrets. */
export async function refusalRows(cluster: Cluster): Promise<readonly Row[]> {
  const { layout } = cluster.places;
  if (!layout.tenant) return [];
  const values = cloudValues(layout, layout.tenant);
  const refusal = await upgradeChart(cluster, { ...values, cloud: { ...values.cloud, secret } }, [
    "--dry-run=server",
  ]).then(
    () => "it was not refused",
    (error: unknown) => String(error),
  );
  const isGood = refusal.includes(`the Secret ${secret} in namespace kube-system is missing`);
  return [
    {
      name: "the chart refuses to be installed without the cloud's certificate, and says what to do",
      group: "the chart",
      outcome: isGood ? "passed" : "failed",
      reason: isGood ? "" : refusal,
      seconds: 0,
    },
  ];
}
