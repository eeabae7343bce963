// Services that have one address from outside together, each with its own ports. They ask for that by one key in an annotation, as
// MetalLB's users know it. Weft lets only Services of one namespace share: another namespace's may be another person's.

interface Sharer {
  readonly namespace: string;
  readonly ports: readonly { readonly protocol: string; readonly port: number }[];
  readonly externalTrafficPolicy?: "Local";
  readonly sharingKey?: string;
}

/**
 * Whether both may have one address: they have the same key and no port in common, and every node leads to all their
 * endpoints.
 */
export const mayShare = (a: Sharer, b: Sharer): boolean =>
  a.sharingKey !== undefined &&
  a.sharingKey === b.sharingKey &&
  a.namespace === b.namespace &&
  a.externalTrafficPolicy === undefined &&
  b.externalTrafficPolicy === undefined &&
  commonPort(a, b) === undefined;

/** The first port that both have, `TCP 80`; undefined when there is none. */
export const commonPort = (a: Pick<Sharer, "ports">, b: Pick<Sharer, "ports">): string | undefined => {
  const taken = new Set(b.ports.map(portText));
  return a.ports.map(portText).find((port) => taken.has(port));
};

/** `TCP 80` */
export const portText = ({ protocol, port }: Sharer["ports"][number]): string => `${protocol} ${port}`;
