// Which servers of a cluster are to be kicked out, by what its leader says. Pure.
//
// A member whose disk was lost comes back as another server at the same address, and one on another node at another
// address. Its former server would count for the majority for ever. It is kicked out only while every member of the
// configuration is present: a member that is merely down is still needed. A server at an address that the configuration
// does not name gets more time, because this keeper's own configuration may be the one that is old.

import type { RaftServer, RaftStatus } from "./raftStatus.ts";

/** A server that lives is heard several times in each second. */
const heardMs = 10_000;
/** Longer than an update takes until all members have the same configuration. */
const unnamedMs = 600_000;

/** `addresses`: of all members, as the cluster knows them. `knownMs`: since when the server has been seen in the cluster. */
export function deadServers(
  { leads, servers }: RaftStatus,
  addresses: readonly string[],
  knownMs: (id: string) => number,
): readonly RaftServer[] {
  if (!leads) return [];
  const silentMs = ({ id, silentMs: told }: RaftServer): number => told ?? knownMs(id);
  const living = addresses.map((address) =>
    servers.find((server) => server.address === address && (server.silentMs ?? heardMs) < heardMs),
  );
  if (living.includes(undefined)) return [];
  return servers.filter(
    (server) =>
      !living.includes(server) &&
      silentMs(server) >= (addresses.includes(server.address) ? heardMs : unnamedMs),
  );
}
