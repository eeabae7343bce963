// core/v1 Node.

import { parseCidr } from "../../../src/model/ip.ts";
import { at, type JsonObject, listAt, objectAt, printed, textAt } from "../json.ts";
import { nodeColumns } from "../tables/node.ts";
import { checkIp, checkOneOf } from "../validate/fields.ts";
import { isQualifiedName } from "../validate/names.ts";
import { defineKind } from "./kind.ts";

const ipAddressTypes = ["InternalIP", "ExternalIP"];

export const nodes = defineKind({
  group: "",
  version: "v1",
  kind: "Node",
  plural: "nodes",
  shortNames: ["no"],
  namespaced: false,
  subresources: ["status"],
  selectableFields: { "spec.unschedulable": (node) => String(at(node, "spec", "unschedulable") === true) },
  columns: nodeColumns,
  defaults: (node) => ({
    ...node,
    spec: samePodCidrs(objectAt(node, "spec")),
    status: objectAt(node, "status"),
  }),
  validate: (node, causes) => {
    for (const [index, address] of listAt(node, "status", "addresses").entries())
      if (ipAddressTypes.includes(textAt(address, "type")))
        checkIp(causes, `status.addresses[${index}].address`, textAt(address, "address"));
    for (const [index, cidr] of listAt(node, "spec", "podCIDRs").entries())
      if (!parseCidr(printed(cidr)))
        causes.invalid(
          `spec.podCIDRs[${index}]`,
          cidr,
          "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        );
    for (const [index, taint] of listAt(node, "spec", "taints").entries()) {
      const wrong = isQualifiedName(textAt(taint, "key"));
      if (wrong) causes.invalid(`spec.taints[${index}].key`, textAt(taint, "key"), wrong);
      checkOneOf(causes, `spec.taints[${index}].effect`, textAt(taint, "effect"), [
        "NoExecute",
        "NoSchedule",
        "PreferNoSchedule",
      ]);
    }
  },
  validateUpdate: (node, old, causes) => {
    const before = textAt(old, "spec", "podCIDR");
    if (before !== "" && textAt(node, "spec", "podCIDR") !== before)
      causes.forbidden("spec.podCIDRs", 'node updates may not change podCIDR except from "" to valid');
  },
});

/** podCIDR is the first of podCIDRs; a client that knows only one of them sets both. */
function samePodCidrs(spec: JsonObject): JsonObject {
  const first = listAt(spec, "podCIDRs")[0];
  const one = textAt(spec, "podCIDR");
  if (first !== undefined) return { ...spec, podCIDR: first };
  return one === "" ? spec : { ...spec, podCIDRs: [one] };
}
