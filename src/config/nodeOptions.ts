// Options that the commands on a node share: its name, its Open vSwitch, and its container runtime's folders.

import { hostname } from "node:os";
import { Option } from "commander";
import { agentDefaults } from "./agent.ts";

export const nodeNameOption = (): Option =>
  new Option("--node <name>", "this node's name in Kubernetes")
    .env("NODE_NAME")
    .default(hostname(), "the host's name");

export const vswitchOption = (): Option =>
  new Option("--vswitch <remote>", "this node's Open vSwitch database").default(agentDefaults.ovsDb);

export const ovsRundirOption = (): Option =>
  new Option("--ovs-rundir <folder>", "where ovs-vswitchd has its sockets").default(
    agentDefaults.ovsRunDirectory,
  );

export const ovnRundirOption = (): Option =>
  new Option("--ovn-rundir <folder>", "where ovn-controller has its sockets").default(
    agentDefaults.ovnRunDirectory,
  );

export const cniConfDirOption = (): Option =>
  new Option("--cni-conf-dir <folder>", "where the container runtime reads network configurations").default(
    agentDefaults.cniConfDirectory,
  );

export const cniBinDirOption = (): Option =>
  new Option("--cni-bin-dir <folder>", "where the container runtime finds plugins").default(
    agentDefaults.cniBinDirectory,
  );
