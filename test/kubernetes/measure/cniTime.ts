// How much time the plugin's ADDs have taken on all nodes so far, by the agents' metrics (`weft_cni_request_seconds`).

import type { Cluster } from "../cluster/cluster.ts";

export interface Sum {
  readonly seconds: number;
  readonly count: number;
}

const metricsUrl = "http://127.0.0.1:9410/metrics";

export async function addSeconds({ sandbox, places }: Cluster): Promise<Sum> {
  const texts = await Promise.all(
    places.nodes.map(({ host }) => sandbox.host(host.name).exec(["curl", "-sf", metricsUrl])),
  );
  return texts
    .map(sumOfAdds)
    .reduce((all, { seconds, count }) => ({ seconds: all.seconds + seconds, count: all.count + count }), {
      seconds: 0,
      count: 0,
    });
}

/** Of a page in Prometheus' text format: successful ADDs. */
export function sumOfAdds(page: string): Sum {
  const value = (name: string): number =>
    page
      .split("\n")
      .filter((line) => line.startsWith(`weft_cni_request_seconds_${name}{`))
      .filter((line) => line.includes('command="ADD"') && line.includes('code="0"'))
      .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  return { seconds: value("sum"), count: value("count") };
}
