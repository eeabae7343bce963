// Domain names as policies have them (NPEP-133 of sigs.k8s.io/network-policy-api): `example.com` means that name alone,
// `*.example.com` every name below it, at any depth, and not `example.com` itself.

const label = "[a-z0-9_]([-a-z0-9_]{0,61}[a-z0-9_])?";
const name = new RegExp(`^(${label}\\.)+${label}$`);
const longest = 253;

/** In lower case and without the dot at the end; undefined when it is no name or pattern. */
export function domainPatternOf(text: string): string | undefined {
  const plain = text.toLowerCase().replace(/\.$/, "");
  const rest = plain.startsWith("*.") ? plain.slice(2) : plain;
  return rest.length <= longest && name.test(rest) ? plain : undefined;
}

/** All patterns that match a name, which is in lower case and without a dot at the end. */
export function patternsMatching(domain: string): readonly string[] {
  const labels = domain.split(".");
  return [domain, ...labels.slice(1).map((_, nth) => `*.${labels.slice(nth + 1).join(".")}`)];
}
