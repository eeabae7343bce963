// Reads a Service's addresses from outside (model/outerAddresses.ts). It asks for them in its spec, and has those that its
// status grants. A status is written by controllers alone, so it is the word of the cluster's operator, where a spec is
// anybody's who may write a Service (CVE-2020-8554).

import { formatIp, parseCidr, parseIp } from "../model/ip.ts";
import type { OuterAddresses } from "../model/outerAddresses.ts";
import { list, record, text, texts } from "./json.ts";

/** The condition on a Service whose message lists the external IPs that are granted. */
export const grantCondition = "weft.io/ExternalIPs";

/** `service` as the API sent it. `wish` is the annotation for addresses. */
export function outerAddressesOf(service: unknown, wish: string | undefined): OuterAddresses {
  const { spec, status } = record(service);
  const { externalIPs, type, loadBalancerClass, loadBalancerIP, loadBalancerSourceRanges } = record(spec);
  const external = type === "ExternalName" ? [] : ips(texts(externalIPs));
  const granted = list(record(status).conditions)
    .map(record)
    .find((condition) => condition.type === grantCondition && condition.status === "True");
  const balanced = type === "LoadBalancer";
  const ingress = balanced
    ? list(record(record(status).loadBalancer).ingress)
        .map(record)
        .filter(({ ipMode }) => ipMode !== "Proxy")
    : [];
  return {
    ...(external.length > 0 && { externalIps: external }),
    ...(granted && { grantedIps: ips(text(granted.message).split(", ")) }),
    ...(ingress.length > 0 && { ingressIps: ips(ingress.map(({ ip }) => text(ip))) }),
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
