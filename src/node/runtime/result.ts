// The result of ADD in the format the caller asked for. The formats differ little: 0.4.0 names the family of each
// address, 1.1.0 adds the MTU of interfaces and routes (CNI specification, section 5, and its list of changes).

import { formatCidr, formatIp } from "../../model/ip.ts";
import type { CniError } from "../nouns/cniError.ts";
import type { PodLink } from "../nouns/link.ts";
import type { CniVersion } from "./request.ts";

export function addResult(version: CniVersion, link: PodLink): string {
  const { hostInterface, ifname, netns, network } = link;
  const mtu = version === "1.1.0" ? { mtu: link.mtu.linkBytes } : {};
  const routeMtu = version === "1.1.0" ? { mtu: link.mtu.routeBytes } : {};
  const gatewayOf = (family: number) => network.gateways.find((gateway) => gateway.family === family);
  return line({
    cniVersion: version,
    interfaces: [
      { name: hostInterface, ...mtu },
      { name: ifname, mac: network.mac, ...mtu, sandbox: netns },
    ],
    ips: network.addresses.map((address) => {
      const gateway = gatewayOf(address.ip.family);
      return {
        ...(version === "0.4.0" && { version: String(address.ip.family) }),
        interface: 1,
        address: formatCidr(address),
        ...(gateway && { gateway: formatIp(gateway) }),
      };
    }),
    routes: network.gateways.map((gateway) => ({
      dst: gateway.family === 4 ? "0.0.0.0/0" : "::/0",
      gw: formatIp(gateway),
      ...routeMtu,
    })),
    dns: {},
  });
}

export const errorResult = (version: CniVersion, { code, message, details }: CniError): string =>
  line({ cniVersion: version, code, msg: message, details });

const line = (value: object): string => `${JSON.stringify(value)}\n`;
