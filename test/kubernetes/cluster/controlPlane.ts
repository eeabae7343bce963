// The processes of the control plane, all on the first node: etcd, the API server, the controller manager and the
// scheduler; and two relays, by which kubectl on this machine reaches the API server inside the node's namespace.

import { join } from "node:path";
import { hostEnvironment } from "../../../sandbox/environment.ts";
import type { ProcessSpec } from "../../../sandbox/process/record.ts";
import { programFolder } from "../build/versions.ts";
import { apiPort, clusterDomain, type Places } from "./places.ts";

type Flags = Readonly<Record<string, string>>;

const etcdUrl = "http://127.0.0.1:2379";
const peerUrl = "http://127.0.0.1:2380";
const relay = join(import.meta.dirname, "../../../sandbox/relay.ts");

export const etcdProcess = (places: Places): ProcessSpec =>
  onControlPlane(places, "etcd", "etcd", {
    "data-dir": places.etcd,
    // A cluster for tests is made anew after a power cut.
    "unsafe-no-fsync": "true",
    "listen-client-urls": etcdUrl,
    "advertise-client-urls": etcdUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
  });

export function apiServerProcess(places: Places): ProcessSpec {
  const { layout, pki, controlPlane } = places;
  const file = (name: string): string => join(pki, name);
  return onControlPlane(places, "kube-apiserver", "kube-apiserver", {
    "etcd-servers": etcdUrl,
    "bind-address": layout.families.includes(6) ? "::" : "0.0.0.0",
    "advertise-address": controlPlane.addresses[0] ?? "",
    "secure-port": String(apiPort),
    "tls-cert-file": file("apiserver.crt"),
    "tls-private-key-file": file("apiserver.key"),
    "client-ca-file": file("ca.crt"),
    "kubelet-certificate-authority": file("ca.crt"),
    "kubelet-client-certificate": file("apiserver-kubelet-client.crt"),
    "kubelet-client-key": file("apiserver-kubelet-client.key"),
    "kubelet-preferred-address-types": "InternalIP,Hostname",
    "requestheader-client-ca-file": file("front-proxy-ca.crt"),
    "requestheader-allowed-names": "front-proxy-client",
    "requestheader-username-headers": "X-Remote-User",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "proxy-client-cert-file": file("front-proxy-client.crt"),
    "proxy-client-key-file": file("front-proxy-client.key"),
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",
    "service-cluster-ip-range": layout.serviceCidrs.join(),
    "service-account-issuer": `https://kubernetes.default.svc.${clusterDomain}`,
    "service-account-key-file": file("service-accounts.pub"),
    "service-account-signing-key-file": file("service-accounts.key"),
    "allow-privileged": "true",
    "audit-policy-file": places.audit.policy,
    "audit-log-path": places.audit.log,
  });
}

/** What only works once the API server does. Nodes get subnets of `podCidr`, if there is one. */
export function controllerProcesses(places: Places, podCidr?: string): readonly ProcessSpec[] {
  const { pki, kubeconfigOf } = places;
  const file = (name: string): string => join(pki, name);
  const local = (user: string): Flags => ({
    kubeconfig: kubeconfigOf(user),
    "authentication-kubeconfig": kubeconfigOf(user),
    "authorization-kubeconfig": kubeconfigOf(user),
    "bind-address": "127.0.0.1",
    "leader-elect": "false",
  });
  return [
    onControlPlane(places, "kube-controller-manager", "kube-controller-manager", {
      ...local("controller-manager"),
      ...(podCidr === undefined
        ? { "allocate-node-cidrs": "false" }
        : { "allocate-node-cidrs": "true", "cluster-cidr": podCidr }),
      "client-ca-file": file("ca.crt"),
      "requestheader-client-ca-file": file("front-proxy-ca.crt"),
      "root-ca-file": file("ca.crt"),
      "cluster-signing-cert-file": file("ca.crt"),
      "cluster-signing-key-file": file("ca.key"),
      "service-account-private-key-file": file("service-accounts.key"),
      "use-service-account-credentials": "true",
    }),
    onControlPlane(places, "kube-scheduler", "kube-scheduler", local("scheduler")),
    ...relayProcesses(places),
  ];
}

/** By which kubectl on this machine reaches the API server. */
export function relayProcesses({ controlPlane, layout }: Places): readonly ProcessSpec[] {
  return [
    {
      name: "relay-inside",
      netns: controlPlane.host.netns,
      argv: [process.execPath, relay, layout.apiSocket, String(apiPort)],
      env: {},
      ready: [layout.apiSocket],
    },
    {
      name: "relay",
      argv: [process.execPath, relay, String(layout.apiPort), layout.apiSocket],
      env: {},
      ready: [layout.apiPort],
    },
  ];
}

const onControlPlane = (places: Places, name: string, program: string, flags: Flags): ProcessSpec => ({
  name,
  netns: places.controlPlane.host.netns,
  argv: [join(programFolder, program), ...wordsOf(flags)],
  env: hostEnvironment(places.layout, places.controlPlane.host),
});

export const wordsOf = (flags: Flags): readonly string[] =>
  Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
