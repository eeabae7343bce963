// Reads a Service's addresses from outside (model/outerAddresses.ts). It asks for them in its spec, and has those that
// its status grants. Only controllers write a status, so the cluster's operator decides about it; a spec can be written
// by anyone who may write a Service (CVE-2020-8554).

import { formatIp, parseCidr, parseIp } from "../model/ip.ts";
import type { Announcer, OuterAddresses } from "../model/outerAddresses.ts";
import { list, record, text, texts } from "./json.ts";

/** The condition on a Service whose message lists the external IPs that are granted. */
export const grantCondition = "weft.io/ExternalIPs";

/** The condition on a Service whose message says which node announces which address. */
export const announcementCondition = "weft.io/Announced";

/** `198.51.100.7 by n1, 2001:db8::7 by n2` */
export const announcersText = (announcers: readonly Announcer[]): string =>
  announcers.map(({ ip, node }) => `${ip} by ${node}`).join(", ");

function announcersIn(message: string): readonly Announcer[] {
  return Object.freeze(
    message.split(", ").flatMap((part) => {
      const [address = "", by, node, ...more] = part.split(" ");
      const ip = parseIp(address);
      return ip && by === "by" && node && more.length === 0
        ? [Object.freeze({ ip: formatIp(ip), node })]
        : [];
    }),
  );
}

/** `service` as the API sent it. `wish` is the annotation for addresses, `sharingKey` the one for sharing them. */
export function outerAddressesOf(
  service: unknown,
  wish: string | undefined,
  sharingKey?: string,
): OuterAddresses {
  const { spec, status } = record(service);
  const { externalIPs, type, loadBalancerClass, loadBalancerIP, loadBalancerSourceRanges } = record(spec);
  const external = type === "ExternalName" ? [] : ips(texts(externalIPs));
  const conditions = list(record(status).conditions).map(record);
  const isTrue = (type: string) =>
    conditions.find((condition) => condition.type === type && condition.status === "True");
  const granted = isTrue(grantCondition);
  const balanced = type === "LoadBalancer";
  const announced = balanced ? isTrue(announcementCondition) : undefined;
  const ingress = balanced ? list(record(record(status).loadBalancer).ingress).map(record) : [];
  const direct = ingress.filter(({ ipMode }) => ipMode !== "Proxy");
  return {
    ...(external.length > 0 && { externalIps: external }),
    ...(granted && { grantedIps: ips(text(granted.message).split(", ")) }),
    ...(ingress.length > 0 && { ingressIps: ips(direct.map(({ ip }) => text(ip))) }),
    ...(announced && { announcers: announcersIn(text(announced.message)) }),
    ...(balanced && sharingKey && { sharingKey }),
    ...(balanced && {
      balancer: Object.freeze({
        loadBalancerClass: text(loadBalancerClass) || undefined,
        wanted: ips((wish ?? text(loadBalancerIP)).split(",").map((part) => part.trim())),
        sourceRanges: Object.freeze(
          texts(loadBalancerSourceRanges).flatMap((range) => parseCidr(range.trim()) ?? []),
        ),
      }),
    }),
  };
}

const ips = (values: readonly string[]): readonly string[] =>
  Object.freeze(
    values.flatMap((value) => {
      const ip = parseIp(value);
      return ip ? [formatIp(ip)] : [];
    }),
  );
