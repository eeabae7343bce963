// Kubernetes' quantities: "110", "1500m", "16Gi", "1e3" (apimachinery, resource.Quantity).

const powers: ReadonlyMap<string, number> = new Map([
  ["n", 1e-9],
  ["u", 1e-6],
  ["m", 1e-3],
  ["", 1],
  ["k", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
  ["P", 1e15],
  ["E", 1e18],
  ["Ki", 2 ** 10],
  ["Mi", 2 ** 20],
  ["Gi", 2 ** 30],
  ["Ti", 2 ** 40],
  ["Pi", 2 ** 50],
  ["Ei", 2 ** 60],
]);

/** The number that `value` stands for; undefined when it is not a quantity, or negative. Exact enough to count with. */
export function quantityOf(value: unknown): number | undefined {
  if (typeof value === "number") return value >= 0 ? value : undefined;
  if (typeof value !== "string") return undefined;
  const match = /^\+?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2}|[A-Za-z]{0,2})$/.exec(value);
  const [, digits = "", suffix = ""] = match ?? [];
  if (digits === "") return undefined;
  const power = /\d/.test(suffix) ? Number(`1${suffix}`) : powers.get(suffix);
  return power === undefined ? undefined : Number(digits) * power;
}
