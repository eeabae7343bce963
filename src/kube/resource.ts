// Where a kind of object lives in the API. URL paths are built here and nowhere else.

export interface Resource {
  /** `/api/v1`, `/apis/discovery.k8s.io/v1`. */
  readonly prefix: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

/** Kinds that are written but not watched; the watched ones are in kinds.ts. */
export const leases: Resource = {
  prefix: "/apis/coordination.k8s.io/v1",
  plural: "leases",
  namespaced: true,
};
export const events: Resource = { prefix: "/api/v1", plural: "events", namespaced: true };

/**
 * The path of one object, or without `name` that of its collection: `pathOf(kinds.Pod, "shop", "web-1", "status")`
 * is `/api/v1/namespaces/shop/pods/web-1/status`. A namespace of "" means all, and is right for cluster-scoped kinds.
 */
export function pathOf(resource: Resource, namespace = "", name = "", subresource = ""): string {
  const scope = resource.namespaced && namespace !== "" ? ["namespaces", namespace] : [];
  const tail = name === "" ? [] : [name, ...(subresource === "" ? [] : [subresource])];
  return [resource.prefix, ...[...scope, resource.plural, ...tail].map(segment)].join("/");
}

/** `v1`, `discovery.k8s.io/v1`: as objects name it in their `apiVersion`. */
export const apiVersionOf = (resource: Resource): string => resource.prefix.replace(/^\/apis?\//, "");

/** Dots alone would climb out of the path; no Kubernetes name consists of dots. */
function segment(text: string): string {
  if (text === "." || text === "..") throw new RangeError(`no Kubernetes object is called "${text}"`);
  return encodeURIComponent(text);
}
