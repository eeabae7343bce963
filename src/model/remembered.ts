// What a controller remembers of its API server beyond its own life. It is written beside the rows that the server's
// objects led to, so that both get lost or restored together, and on the controllers' Lease, for processes that are in doubt.

export interface Remembered {
  /** The UID of the namespace kube-system, which tells one cluster from another. */
  readonly cluster: string;
  /** The plural of a resource -> its newest resourceVersion that was seen */
  readonly versions: ReadonlyMap<string, string>;
}

/** `nodes=812 pods=1606` */
export const versionsText = (versions: Remembered["versions"]): string =>
  [...versions]
    .map(([plural, version]) => `${plural}=${version}`)
    .toSorted()
    .join(" ");

/** What makes no sense is left out. */
export const parseVersions = (text: string): Remembered["versions"] =>
  new Map(
    text.split(" ").flatMap((pair) => {
      const [plural = "", version = ""] = pair.split("=");
      return plural === "" || version === "" ? [] : [[plural, version] as const];
    }),
  );

/** The cluster, and then the versions. */
export const rememberedText = ({ cluster, versions }: Remembered): string =>
  `${cluster} ${versionsText(versions)}`;

/** Undefined when the text names no cluster. */
export function parseRemembered(text: string): Remembered | undefined {
  const [cluster = "", ...versions] = text.split(" ");
  return cluster === "" ? undefined : { cluster, versions: parseVersions(versions.join(" ")) };
}
