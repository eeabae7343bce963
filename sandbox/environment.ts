// The environment of processes and of `weft sandbox exec`: it says where a host's Open vSwitch and OVN are, so that
// ovs-vsctl, ovn-nbctl, ovn-appctl, kubectl … talk to this sandbox without any options.

import { join } from "node:path";
import { type Host, isSwitch } from "./host.ts";
import type { Layout } from "./layout.ts";
import { searchPath } from "./ovn/choice.ts";

export type Environment = Record<string, string>;

/** Where Node keeps compiled code, as bin/weft has it: a program of the sandbox then starts with half the work. */
const compiled = join(import.meta.dirname, "../build/compiled");

/** For commands that do not run on a particular host. */
export function baseEnvironment(layout: Layout): Environment {
  return {
    PATH: searchPath(layout.ovn, "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    HOME: "/root",
    LANG: "C.UTF-8",
    OVN_NB_DB: `unix:${layout.central.northboundSocket}`,
    OVN_SB_DB: `unix:${layout.central.southboundSocket}`,
    KUBECONFIG: layout.kubeconfig,
    NODE_COMPILE_CACHE: compiled,
    // In underlay mode a sandbox is one tenant of its cloud, under its own name.
    ...(layout.tenant && { WEFT_CLUSTER: layout.name }),
  };
}

/** For commands on `host`, with the private directories of its Open vSwitch if it has one. */
export function hostEnvironment(layout: Layout, host: Host): Environment {
  const base = baseEnvironment(layout);
  if (isSwitch(host)) {
    const node = layout.nodeHosts.find(({ netns }) => netns === host.netns);
    return {
      ...base,
      OVS_RUNDIR: host.ovs,
      OVS_DBDIR: host.ovs,
      OVS_LOGDIR: host.log,
      OVN_RUNDIR: host.ovn,
      OVN_LOGDIR: host.log,
      ...(node && { KUBECONFIG: node.kubeconfig }),
    };
  }
  const central = layout.central.directory;
  return host.netns === layout.central.netns ? { ...base, OVN_RUNDIR: central, OVN_LOGDIR: central } : base;
}
