// As chart.ts, with all of Weft's containers: Open vSwitch is the image's, in userspace, and the nodes have nothing but their
// addresses on eth0, which the chart moves to br-ex.

import { roles } from "../../../src/check/rights.ts";
import { importImage, upgradeChart } from "./chart.ts";
import type { Installation } from "./installation.ts";

const node = { openVSwitch: "container", datapath: "netdev", uplink: { move: true } };

export const asChartWithSwitch: Installation = {
  about: "image and Helm chart, with the image's Open vSwitch",
  mode: "overlay",
  parts: "hosts",
  roles,
  async install(cluster, signal) {
    for (const each of cluster.places.nodes) await importImage(each);
    await upgradeChart(cluster, { node }, [], signal);
  },
};
