// What the runtime names in a call: an interface of a container, and the pod it belongs to.

/** The runtime's name for one interface in one container. */
export interface AttachmentId {
  readonly container: string;
  readonly ifname: string;
}

export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  /** Undefined when the runtime does not send it: K8S_POD_UID is newer than the other arguments. */
  readonly uid: string | undefined;
}
