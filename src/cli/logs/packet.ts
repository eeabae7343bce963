// A line of ovn-controller's log about a packet that an ACL of a policy has dropped or allowed:
//
//   2026-11-29T12:00:03.120Z|00027|acl_log(ovn_pinctrl0)|INFO|name="NP:shop:closed:ingress:rest", verdict=drop,
//   severity=info, direction=to-lport: tcp,…,nw_src=10.244.0.3,nw_dst=10.244.1.3,…,tp_src=43210,tp_dst=8080,tcp_flags=syn
//
// OVN writes the flow as ovs-fields(7) names its fields. A pod chooses what its packets hold, so nothing here is trusted.

export interface LoggedPacket {
  /** As in the log: ISO 8601. */
  readonly time: string;
  readonly verdict: string;
  readonly severity: string;
  /** The name of the ACL. */
  readonly acl: string;
  /** `tcp`, `udp6`, `icmp`: as Open vSwitch says it. */
  readonly protocol: string;
  readonly from: End;
  readonly to: End;
}

export interface End {
  readonly address: string;
  readonly port: number | undefined;
}

const line =
  /^(\S{1,40}?)\|\d+\|acl_log(?:\([^)]{0,40}\))?\|[A-Z]+\|name="((?:[^"\\]|\\.){0,200})", verdict=(\w+), severity=(\w+)(?:, direction=[\w-]+)?: ([^,]{1,20}),(.*)$/;

/** Undefined for a line about anything else. */
export function loggedPacketIn(text: string): LoggedPacket | undefined {
  const [, time = "", acl = "", verdict = "", severity = "", protocol = "", rest = ""] =
    line.exec(text) ?? [];
  if (acl === "") return undefined;
  const fields = new Map(
    rest.split(",").map((field): [string, string] => {
      const equals = field.indexOf("=");
      return [field.slice(0, Math.max(0, equals)), field.slice(equals + 1)];
    }),
  );
  const end = (which: "src" | "dst"): End => {
    const port = fields.get(`tp_${which}`);
    return {
      address: fields.get(`nw_${which}`) ?? fields.get(`ipv6_${which}`) ?? "",
      port: port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : undefined,
    };
  };
  return { time, verdict, severity, acl, protocol, from: end("src"), to: end("dst") };
}
