// As chart.ts, on virtual machines of the sandbox's OVN cloud. They have an Open vSwitch of their own with br-ex, and no OVN.

import { importImage, upgradeChart, waiting } from "./chart.ts";
import { giveCertificate, openCloud } from "./cloud.ts";
import type { Installation } from "./installation.ts";

export const asUnderlay: Installation = {
  about: "image and Helm chart, on virtual machines of a cloud",
  mode: "underlay",
  parts: "ovn",
  roles: ["controller", "agent"],
  async install(cluster, signal) {
    for (const node of cluster.places.nodes) await importImage(node);
    await openCloud(cluster);
    await giveCertificate(cluster);
    await upgradeChart(cluster, {}, waiting, signal);
  },
};
