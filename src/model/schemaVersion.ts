// Versions of OVSDB schemas: three numbers (RFC 7047, section 3.1).

export function isNewer(version: string, than: string): boolean {
  const [a = [], b = []] = [version, than].map((each) => each.split(".").map(Number));
  const index = a.findIndex((part, place) => part !== (b[place] ?? 0));
  return index >= 0 && (a[index] ?? 0) > (b[index] ?? 0);
}
