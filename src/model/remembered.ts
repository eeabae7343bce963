// What a controller remembers of its API server beyond its own life. It is written beside the rows that the server's
// objects led to, so that both get lost or restored together.

export interface Remembered {
  /** The UID of the namespace kube-system, which tells one cluster from another. */
  readonly cluster: string;
  /** The plural of a resource -> its newest resourceVersion that was seen */
  readonly versions: ReadonlyMap<string, string>;
}
