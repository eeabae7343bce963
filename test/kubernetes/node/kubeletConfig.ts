// The kubelet's configuration on a node: as kubeadm's, but for what several kubelets on one machine must not do to it.

import { join } from "node:path";
import { stringify } from "yaml";
import { clusterDomain, type NodePlaces, type Places } from "../cluster/places.ts";

/** The number of the DNS Service's address within a Service network. */
export const dnsPlace = 10n;

export function kubeletConfig({ pki, serviceAddress }: Places, { host, cgroup }: NodePlaces): string {
  const certificate = join(pki, `kubelet-${host.name}-server`);
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: "::",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(pki, "ca.crt") },
    },
    authorization: { mode: "Webhook" },
    tlsCertFile: `${certificate}.crt`,
    tlsPrivateKeyFile: `${certificate}.key`,
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    clusterDNS: serviceAddress(dnsPlace).slice(0, 1),
    clusterDomain,
    resolvConf: "",
    staticPodPath: "/var/lib/kubelet/manifests",
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    // Each kubelet has its own part of the machine's cgroups, and none limits itself.
    cgroupDriver: "cgroupfs",
    cgroupRoot: cgroup,
    enforceNodeAllocatable: [],
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    // The disk is everybody's. Images cannot be pulled again, so they are never collected.
    imageGCHighThresholdPercent: 100,
    evictionHard: { "nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "50Mi" },
  });
}
