// What the API server is to log: the requests of Weft's accounts, which their rights are held against.

import type { Role } from "../../../src/check/rights.ts";

/** By the names that the API server has for them. */
export const accountOf: Readonly<Record<Role, string>> = {
  controller: "system:serviceaccount:kube-system:weft-controller",
  agent: "system:serviceaccount:kube-system:weft-agent",
  signer: "system:serviceaccount:kube-system:weft-signer",
  resolver: "system:serviceaccount:kube-system:weft-resolver",
};

/** A log's policy: only Weft's accounts, once for each request, without what was sent. */
export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", users: Object.values(accountOf) }, { level: "None" }],
};
