// A place whose clients a Service leads to other endpoints than everybody else.

export interface Near {
  readonly kind: "node" | "zone";
  readonly name: string;
}
