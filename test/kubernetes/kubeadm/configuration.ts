// What kubeadm must be told on this machine and not on others: several kubelets share its disk and its cgroups, and kubectl
// comes by a relay. Everything about networks is kubeadm's default.

import { stringify } from "yaml";
import { versions } from "../build/versions.ts";
import { apiPort, type Places } from "../cluster/places.ts";

/** On a node. */
export const resolvConf = "/var/lib/kubelet/resolv.conf";

export function initConfiguration({ controlPlane }: Places): string {
  const [address = ""] = controlPlane.addresses;
  const documents = [
    {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "InitConfiguration",
      localAPIEndpoint: { advertiseAddress: address, bindPort: apiPort },
      nodeRegistration: { name: controlPlane.host.name },
      // On two busy processors the API server may need more than kubeadm's minute.
      timeouts: { kubernetesAPICall: "5m0s", controlPlaneComponentHealthCheck: "8m0s" },
    },
    {
      apiVersion: "kubeadm.k8s.io/v1beta4",
      kind: "ClusterConfiguration",
      kubernetesVersion: `v${versions.kubernetes}`,
      apiServer: { certSANs: ["127.0.0.1"] },
    },
    {
      apiVersion: "kubelet.config.k8s.io/v1beta1",
      kind: "KubeletConfiguration",
      cgroupDriver: "cgroupfs",
      failCgroupV1: false,
      failSwapOn: false,
      enforceNodeAllocatable: [],
      localStorageCapacityIsolation: false,
      resolvConf,
      imageGCHighThresholdPercent: 100,
      evictionHard: { "nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi" },
    },
  ];
  return documents.map((document) => stringify(document)).join("---\n");
}
