// What the runtime names in every call: an interface of a container, and the pod it belongs to.

/** The runtime's name for one interface in one container. */
export interface AttachmentId {
  readonly container: string;
  readonly ifname: string;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Undefined when the runtime does not say it (K8S_POD_UID is younger than the other arguments). */
  readonly uid: string | undefined;
}
