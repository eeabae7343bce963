// discovery.k8s.io/v1 EndpointSlice.

import type { Causes } from "../causes.ts";
import { at, isObject, type Json, listAt, printed, textAt, withDefaults } from "../json.ts";
import { ageColumn } from "../tables/age.ts";
import { checkIp, checkOneOf, checkPort, checkText } from "../validate/fields.ts";
import { isDnsLabel, isDnsSubdomain } from "../validate/names.ts";
import { defineKind, text } from "./kind.ts";

const shown = 3;
const maxEndpoints = 1000;

export const endpointSlices = defineKind({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  tracksGeneration: true,
  columns: [
    text("AddressType", (slice) => textAt(slice, "addressType")),
    text("Ports", (slice) =>
      abridged(
        listAt(slice, "ports").map((port) => printed(at(port, "port") ?? "*")),
        "<unset>",
      ),
    ),
    text("Endpoints", (slice) =>
      abridged(
        listAt(slice, "endpoints").flatMap((one) => listAt(one, "addresses").map(String)),
        "<unset>",
      ),
    ),
    ageColumn,
  ],
  defaults: (slice) => ({
    ...slice,
    endpoints: listAt(slice, "endpoints"),
    ports: listAt(slice, "ports").map((port) =>
      isObject(port) ? withDefaults(port, { name: "", protocol: "TCP" }) : port,
    ),
  }),
  validate: (slice, causes) => {
    const type = textAt(slice, "addressType");
    if (type === "") causes.required("addressType");
    else checkOneOf(causes, "addressType", type, ["FQDN", "IPv4", "IPv6"]);
    const endpoints = listAt(slice, "endpoints");
    if (endpoints.length > maxEndpoints)
      causes.invalid("endpoints", endpoints.length, `must have at most ${maxEndpoints} items`);
    for (const [index, endpoint] of endpoints.entries())
      checkEndpoint(endpoint, type, `endpoints[${index}]`, causes);
    checkPorts(listAt(slice, "ports"), causes);
  },
  validateUpdate: (slice, old, causes) => {
    if (textAt(slice, "addressType") !== textAt(old, "addressType"))
      causes.invalid("addressType", slice["addressType"], "field is immutable");
  },
});

function abridged(list: readonly string[], none: string): string {
  const more = list.length > shown ? ` + ${list.length - shown} more...` : "";
  return list.length === 0 ? none : list.slice(0, shown).join(",") + more;
}

function checkEndpoint(endpoint: Json, type: string, field: string, causes: Causes): void {
  const addresses = listAt(endpoint, "addresses").map(String);
  if (addresses.length === 0) causes.required(`${field}.addresses`, "must contain at least 1 address");
  for (const [index, address] of addresses.entries()) {
    const place = `${field}.addresses[${index}]`;
    if (type === "IPv4" || type === "IPv6") checkIp(causes, place, address, type === "IPv4" ? 4 : 6);
    else checkText(causes, place, address, isDnsSubdomain);
  }
  checkText(causes, `${field}.nodeName`, textAt(endpoint, "nodeName"), isDnsSubdomain);
  checkText(causes, `${field}.hostname`, textAt(endpoint, "hostname"), isDnsLabel);
}

function checkPorts(ports: readonly Json[], causes: Causes): void {
  const names = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const name = textAt(port, "name");
    checkText(causes, `ports[${index}].name`, name, isDnsLabel);
    if (names.has(name)) causes.duplicate(`ports[${index}].name`, name);
    names.add(name);
    checkPort(causes, `ports[${index}].port`, at(port, "port"));
    checkOneOf(causes, `ports[${index}].protocol`, at(port, "protocol"), ["SCTP", "TCP", "UDP"]);
  }
}
