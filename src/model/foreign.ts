// The labels that assign a Service or an EndpointSlice to another proxy (KEP-2447 and the Service API).

const labelsOfOthers = [
  "service.kubernetes.io/service-proxy-name",
  "service.kubernetes.io/headless",
] as const;

/** Whether a Service or slice with these labels is left to another proxy. */
export const isForeign = (labels: Readonly<Record<string, string>>): boolean =>
  labelsOfOthers.some((label) => Object.hasOwn(labels, label));
