// What clients ask first: which groups, versions and resources exist, and which server this is.

import { createHash } from "node:crypto";
import type { JsonObject } from "./json.ts";
import { apiVersionOf, type Kind } from "./kinds/kind.ts";
import { openApiOf } from "./openapi.ts";

const objectVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export const version: JsonObject = {
  major: "1",
  minor: "32",
  gitVersion: "v1.32.0+weft",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "node",
  platform: "linux/amd64",
};

/** The answer for a discovery path such as `/apis/apps/v1`, or undefined. */
export function discoveryOf(path: string, kinds: readonly Kind[]): JsonObject | undefined {
  if (path === "/version") return version;
  if (path === "/api") return { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] };
  if (path === "/apis")
    return {
      kind: "APIGroupList",
      apiVersion: "v1",
      groups: groupsOf(kinds).map((group) => groupOf(group, kinds)),
    };
  if (path === "/openapi/v3") return { paths: openApiPaths(kinds) };
  const [, root, group, groupVersion] =
    /^\/(apis|openapi\/v3)\/([^/]+)(?:\/([^/]+(?:\/[^/]+)?))?$/.exec(path) ?? [];
  if (root === "openapi/v3") return openApiDocument(`${group}/${groupVersion}`, kinds);
  if (root === "apis" && group && groupVersion === undefined && groupsOf(kinds).includes(group))
    return { apiVersion: "v1", ...groupOf(group, kinds) };
  const served = path === "/api/v1" ? "v1" : `${group}/${groupVersion}`;
  const members = kinds.filter((kind) => apiVersionOf(kind) === served);
  if (members.length === 0) return undefined;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: served,
    resources: members.flatMap(resourcesOf),
  };
}

const groupsOf = (kinds: readonly Kind[]): readonly string[] =>
  [...new Set(kinds.map((kind) => kind.group))].filter(Boolean);

function groupOf(group: string, kinds: readonly Kind[]): JsonObject {
  const versions = [...new Set(kinds.filter((kind) => kind.group === group).map((kind) => kind.version))];
  const named = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { kind: "APIGroup", name: group, versions: named, preferredVersion: named[0] };
}

function resourcesOf(kind: Kind): readonly JsonObject[] {
  const { plural, singular, namespaced, shortNames, categories } = kind;
  const own = { name: plural, singularName: singular, namespaced, kind: kind.kind, verbs: objectVerbs };
  return [
    { ...own, ...(shortNames.length > 0 && { shortNames }), ...(categories.length > 0 && { categories }) },
    ...kind.subresources.map((subresource) => ({
      name: `${plural}/${subresource}`,
      singularName: "",
      namespaced,
      ...subresourceKinds[subresource],
      kind: subresourceKinds[subresource]?.["kind"] ?? kind.kind,
      verbs: subresourceVerbs[subresource] ?? ["get", "patch", "update"],
    })),
  ];
}

const subresourceKinds: Readonly<Record<string, JsonObject>> = {
  scale: { group: "autoscaling", version: "v1", kind: "Scale" },
  binding: { kind: "Binding" },
  eviction: { group: "policy", version: "v1", kind: "Eviction" },
  exec: { kind: "PodExecOptions" },
  attach: { kind: "PodAttachOptions" },
  portforward: { kind: "PodPortForwardOptions" },
};

const subresourceVerbs: Readonly<Record<string, readonly string[]>> = {
  log: ["get"],
  exec: ["create", "get"],
  attach: ["create", "get"],
  portforward: ["create", "get"],
  binding: ["create"],
  eviction: ["create"],
  finalize: ["update"],
};

const openApiPath = (kind: Kind): string =>
  kind.group === "" ? "api/v1" : `apis/${kind.group}/${kind.version}`;

function openApiDocument(path: string, kinds: readonly Kind[]): JsonObject | undefined {
  const members = kinds.filter((kind) => openApiPath(kind) === path);
  return members.length === 0 ? undefined : openApiOf(members);
}

/** The hash lets kubectl keep a document on disk until it changes. */
function openApiPaths(kinds: readonly Kind[]): JsonObject {
  const paths = [...new Set(kinds.map(openApiPath))];
  return Object.fromEntries(
    paths.map((path) => {
      const hash = createHash("sha256")
        .update(JSON.stringify(openApiDocument(path, kinds)))
        .digest("hex")
        .slice(0, 32);
      return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }];
    }),
  );
}
