// The frames by which a node tells its network that an address is at its MAC from now on. Neighbours that have another
// MAC for it replace that at once, and switches learn where the MAC is.

import { bytesOfIp, type Ip } from "../../model/ip.ts";

const everybody = "ff:ff:ff:ff:ff:ff";
/** ff02::1, and the MAC that it has on Ethernet (RFC 2464, section 7). */
const allNodes: Ip = { family: 6, value: (0xff02n << 112n) + 1n };
const allNodesMac = "33:33:00:00:00:01";

/** A whole Ethernet frame as hexadecimal digits. */
export const neighbourNews = (mac: string, ip: Ip): string =>
  (ip.family === 4 ? gratuitousArp(mac, ip) : unsolicitedAdvertisement(mac, ip)).toString("hex");

/** An ARP announcement (RFC 5227, section 3): a request in which sender and target have the address. */
const gratuitousArp = (mac: string, ip: Ip): Buffer =>
  Buffer.concat([
    ethernet(everybody, mac, 0x0806),
    // Ethernet, IPv4, the lengths of both addresses, request (RFC 826).
    Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]),
    bytesOfMac(mac),
    bytesOfIp(ip),
    Buffer.alloc(6),
    bytesOfIp(ip),
  ]);

/** A neighbour advertisement to all nodes, with the flag that overrides what they know (RFC 4861, sections 4.4 and 7.2.6). */
function unsolicitedAdvertisement(mac: string, ip: Ip): Buffer {
  const icmp = Buffer.concat([
    Buffer.from([136, 0, 0, 0, 0x20, 0, 0, 0]),
    bytesOfIp(ip),
    // The target's link-layer address.
    Buffer.from([2, 1]),
    bytesOfMac(mac),
  ]);
  const [next, hopLimit] = [58, 255];
  const addresses = Buffer.concat([bytesOfIp(ip), bytesOfIp(allNodes)]);
  // The pseudo-header of RFC 8200, section 8.1.
  icmp.writeUInt16BE(
    checksum(Buffer.concat([addresses, Buffer.from([0, 0, 0, icmp.length, 0, 0, 0, next]), icmp])),
    2,
  );
  const header = Buffer.from([0x60, 0, 0, 0, 0, icmp.length, next, hopLimit]);
  return Buffer.concat([ethernet(allNodesMac, mac, 0x86dd), header, addresses, icmp]);
}

const ethernet = (to: string, from: string, type: number): Buffer =>
  Buffer.concat([bytesOfMac(to), bytesOfMac(from), Buffer.from([type >> 8, type & 255])]);

const bytesOfMac = (mac: string): Buffer => Buffer.from(mac.replaceAll(":", ""), "hex");

/** RFC 1071; of an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}
