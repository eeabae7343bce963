// The names of owners, which state facts: `cluster`, `node/n3`, `pod/shop/web-1`. The first word is the kind of owner,
// one of kinds/; the rest names the Kubernetes object that the owner stands for. Only this file makes and parses them.

export type Owner = string;

export interface OwnerName {
  readonly kind: string;
  /** "" for an owner without a namespace. */
  readonly namespace: string;
  /** "" for an owner that there is only one of. */
  readonly name: string;
}

/** Kubernetes names hold no `/`, so that two names never make one owner. */
export function ownerOf(kind: string, name = "", namespace = ""): Owner {
  if (name === "") return kind;
  return namespace === "" ? `${kind}/${name}` : `${kind}/${namespace}/${name}`;
}

export function parseOwner(owner: Owner): OwnerName {
  const [kind = "", first = "", second] = owner.split("/");
  return second === undefined
    ? { kind, namespace: "", name: first }
    : { kind, namespace: first, name: second };
}
