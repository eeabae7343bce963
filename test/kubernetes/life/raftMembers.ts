// What the members of OVN's databases say of their RAFT clusters.

import { type DatabaseName, places as databasePlaces } from "../../../src/central/members.ts";
import { parseRaftStatus, type RaftStatus } from "../../../src/central/raftStatus.ts";
import { type Cluster, until } from "../cluster/cluster.ts";
import { type Container, weftContainers } from "./containers.ts";

export interface RaftMember {
  readonly container: Container;
  readonly status: RaftStatus;
}

/** Of each member that answers. */
export async function raftMembers(cluster: Cluster, name: DatabaseName): Promise<readonly RaftMember[]> {
  const { controlSocket, database } = databasePlaces[name];
  const ask = ["ovn-appctl", "--timeout=5", "-t", `/run/ovn/${controlSocket}`, "cluster/status", database];
  const containers = (await weftContainers(cluster)).filter((container) => container.name === name);
  const answers = containers.map(async (container): Promise<readonly RaftMember[]> => {
    const inContainer = ["-n", "kube-system", "exec", container.pod, "-c", name, "--", ...ask];
    const { status, stdout } = await cluster.tryKubectl(inContainer);
    return status === 0 ? [{ container, status: parseRaftStatus(stdout) }] : [];
  });
  return (await Promise.all(answers)).flat();
}

/** Resolves when members on exactly these nodes belong to one cluster, one of them leads, and all others follow it. */
export async function raftIsWhole(
  cluster: Cluster,
  name: DatabaseName,
  nodes: readonly string[],
  { servers = nodes.length, limitMs = 180_000 } = {},
): Promise<void> {
  await until(
    `the ${name} database has its members on ${nodes.join(", ")} and ${servers} servers`,
    async () => {
      const members = await raftMembers(cluster, name);
      const isOne =
        members.filter(({ status }) => status.leads).length === 1 &&
        members.every(({ status }) => status.state === "cluster member" && status.leader !== "unknown");
      const on = members.map(({ container }) => container.node).toSorted();
      return (
        isOne &&
        on.join() === nodes.toSorted().join() &&
        members.every(({ status }) => status.servers.length === servers)
      );
    },
    { limitMs },
  );
}
