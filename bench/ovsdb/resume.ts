// What a reconnection to a cluster costs: a member keeps history, so a session that was cut off is sent only what it missed.

import { northbound } from "../../src/ovn/northbound.gen.ts";
import { Session, Transaction } from "../../src/ovsdb/index.ts";
import { startOvsdbCluster } from "../../test/real/ovsdbCluster.ts";
import { northboundSchema } from "../../test/real/ovsdbServer.ts";
import { startRelay } from "../../test/real/relay.ts";
import type { Figure } from "../figure.ts";
import { fillPorts } from "./ports.ts";

/** The second connection beside the first, in bytes that the member sent and in time. */
export async function resumeFigures(ports: number): Promise<readonly Figure[]> {
  const database = "OVN_Northbound";
  await using cluster = await startOvsdbCluster(northboundSchema, database);
  const leader = cluster.members[await cluster.leader()];
  if (!leader) throw new Error("no leader");
  await using writer = new Session({ remotes: [leader.remote], database });
  writer.start();
  await writer.connected();
  await fillPorts(writer, ports);

  await using relay = await startRelay(leader.remote);
  await using reader = new Session({ remotes: [relay.remote], database, minBackoffMs: 10 });
  const replica = reader.replica(northbound, { Logical_Switch_Port: true, Address_Set: true });
  let began = performance.now();
  reader.start();
  await replica.ready();
  const first = { seconds: (performance.now() - began) / 1000, bytes: relay.bytesToClient };

  const missed = Promise.withResolvers<void>();
  replica.subscribe(() => missed.resolve());
  began = performance.now();
  relay.cut();
  await writer.transact(new Transaction(northbound).insert("Address_Set", { name: "missed" }));
  await missed.promise;
  const seconds = (performance.now() - began) / 1000;
  const bytes = relay.bytesToClient - first.bytes;
  const megabyte = 1024 ** 2;
  return [
    {
      name: "ovsdb: resume on a cluster",
      unit: "s",
      value: seconds,
      limit: { name: "first copy", value: first.seconds },
    },
    {
      name: "ovsdb: resume on a cluster, received",
      unit: "MB",
      value: bytes / megabyte,
      limit: { name: "first copy", value: first.bytes / megabyte },
    },
  ];
}
