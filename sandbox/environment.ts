// The environment of processes and of `weft sandbox exec`: where a host's own Open vSwitch and OVN are, so that
// ovs-vsctl, ovn-nbctl, ovn-appctl, kubectl … talk to this sandbox with no option given.

import type { Host, Layout } from "./layout.ts";

export type Environment = Record<string, string>;

/** For what runs on no particular host. */
export function baseEnvironment(layout: Layout): Environment {
  return {
    PATH: `${layout.programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: "/root",
    LANG: "C.UTF-8",
    OVN_NB_DB: `unix:${layout.central.northboundSocket}`,
    OVN_SB_DB: `unix:${layout.central.southboundSocket}`,
    KUBECONFIG: layout.kubeconfig,
  };
}

/** For what runs on `host`, with Open vSwitch's private directories when it is a node. */
export function hostEnvironment(layout: Layout, host: Host): Environment {
  const base = baseEnvironment(layout);
  const node = layout.nodeHosts.find((candidate) => candidate.name === host.name);
  if (node)
    return {
      ...base,
      OVS_RUNDIR: node.ovs,
      OVS_DBDIR: node.ovs,
      OVS_LOGDIR: node.log,
      OVN_RUNDIR: node.ovn,
      OVN_LOGDIR: node.log,
      KUBECONFIG: node.kubeconfig,
    };
  const central = layout.central.directory;
  return host.name === layout.central.name ? { ...base, OVN_RUNDIR: central, OVN_LOGDIR: central } : base;
}
