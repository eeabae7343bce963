// Makes faults happen: each sort begins something, and returns what undoes it. An undo waits for nobody to recover.

import { bridge } from "../../sandbox/fabric/fabric.ts";
import { inNetns } from "../../sandbox/fabric/netns.ts";
import { plainAddress } from "../../sandbox/host.ts";
import { run } from "../../sandbox/process/run.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Fault } from "./fault.ts";
import type { Ground } from "./ground.ts";
import { tellLiar } from "./liar.ts";

export type Undo = () => Promise<unknown>;

/** Rejects when the fault cannot happen, such as to a process that does not run. */
export async function begin(fault: Fault, { cluster, liars }: Ground): Promise<Undo> {
  const { sandbox } = cluster;
  const { processes } = sandbox;
  switch (fault.sort) {
    case "kill":
      await processes.kill(fault.process, "SIGKILL");
      return () => processes.revive(fault.process);
    case "outage":
      await Promise.all(fault.processes.map((process) => processes.kill(process, "SIGKILL")));
      return () => Promise.all(fault.processes.map((process) => processes.revive(process)));
    case "restart":
      await processes.stop(fault.process);
      return () => processes.revive(fault.process);
    case "pause":
      await processes.pause(fault.process);
      return () => processes.resume(fault.process);
    case "lie": {
      const socket = liars.get(fault.client) ?? "";
      await tellLiar(socket, fault.lie);
      return () => tellLiar(socket, "the truth");
    }
    case "partition":
      return change(onFabric(sandbox, fault.host, ["nomaster"], ["master", bridge]));
    case "split":
      return change(
        ...[fault.host, fault.other].map((host) => {
          const set = (state: string) =>
            inNetns(sandbox.layout.fabric.netns, [
              ...["bridge", "link", "set", "dev", cableOf(sandbox, host).port, "isolated", state],
            ]);
          return { there: set("on"), back: set("off") };
        }),
      );
    case "carrier":
      return change(onFabric(sandbox, fault.host, ["down"], ["up"]));
    case "link":
    case "address":
    case "route":
    case "gateway":
    case "mtu":
      return beginOnHost(fault, sandbox);
  }
}

type HostFault = Extract<Fault, { sort: "link" | "address" | "route" | "gateway" | "mtu" }>;

/** What an administrator does on a node, and then takes back, addresses and routes included. */
function beginOnHost(fault: HostFault, sandbox: Sandbox): Promise<Undo> {
  const { host } = sandbox.host(fault.host);
  const ip = (...words: readonly string[]): Command => ["ip", "-n", host.netns, ...words];
  const sole = (family: string, verb: string, gateway: string): Command =>
    ip(family, "route", verb, "default", "via", gateway, "dev", "br-ex");
  switch (fault.sort) {
    case "link": {
      const set = (state: string): Command => ip("link", "set", fault.device, state);
      const lost = host.addresses.map((address) =>
        ip("addr", "replace", address, "dev", "br-ex", ...(isIpv6(address) ? ["nodad"] : [])),
      );
      const routes = host.gateways.map((gateway) => sole(familyOf(gateway), "replace", gateway));
      const restored = fault.device === "br-ex" ? [...lost, ...routes] : [];
      return change({ there: set("down"), back: set("up") }, ...restored.map((back): Change => ({ back })));
    }
    case "address": {
      const own = host.addresses.find((address) => isIpv6(address) === isIpv6(fault.address)) ?? "";
      const address = numbered(own, fault.address);
      const set = (verb: string): Command => ip("addr", verb, address, "dev", "br-ex");
      return change({ there: set("add"), back: set("del") });
    }
    case "route": {
      const gateway = gatewayOf(host.gateways, fault.family);
      const set = (verb: string): Command => sole(`-${fault.family}`, verb, gateway);
      return change({ there: set("del"), back: set("add") });
    }
    case "gateway": {
      const gateway = gatewayOf(host.gateways, fault.family);
      const second = numbered(gateway, fault.family === 4 ? ".100" : "::100");
      if (fault.family === 6)
        return change({ there: sole("-6", "append", second), back: sole("-6", "del", second) });
      const both = [gateway, second].flatMap((one) => ["nexthop", "via", one, "dev", "br-ex"]);
      return change({
        there: ip("route", "replace", "default", ...both),
        back: sole("-4", "replace", gateway),
      });
    }
    case "mtu": {
      const { netns, port, mtuBytes } = cableOf(sandbox, fault.host);
      const ends = [
        [host.netns, "eth0"],
        [netns, port],
      ] as const;
      return change(
        ...ends.map(([at, link]) => {
          const set = (bytes: number): Command => ["ip", "-n", at, "link", "set", link, "mtu", `${bytes}`];
          return { there: set(fault.bytes), back: set(mtuBytes) };
        }),
      );
    }
  }
}

type Command = readonly string[];

interface Change {
  readonly there?: Command;
  readonly back: Command;
}

async function change(...changes: readonly Change[]): Promise<Undo> {
  for (const { there } of changes) if (there) await run(there);
  return async () => {
    for (const { back } of changes) await run(back);
  };
}

function onFabric(sandbox: Sandbox, host: string, there: Command, back: Command): Change {
  const { netns, port } = cableOf(sandbox, host);
  const set = (words: Command): Command => ["ip", "-n", netns, "link", "set", port, ...words];
  return { there: set(there), back: set(back) };
}

function cableOf({ layout }: Sandbox, name: string): Sandbox["layout"]["cables"][number] {
  const found = layout.cables.find(({ host }) => host.name === name);
  if (!found) throw new Error(`host ${name} has no cable`);
  return found;
}

const isIpv6 = (address: string): boolean => address.includes(":");
const familyOf = (address: string): string => (isIpv6(address) ? "-6" : "-4");
const gatewayOf = (gateways: readonly string[], family: 4 | 6): string =>
  gateways.find((gateway) => isIpv6(gateway) === (family === 6)) ?? "";

/** `.200/32` in the network of 172.30.0.11/24 is 172.30.0.200/32. */
const numbered = (address: string, number: string): string =>
  plainAddress(address).replace(isIpv6(address) ? /::.*$/ : /\.\d+$/, number);
