// The API server as a process of its own. Prints one JSON line when it is ready, and stops on SIGTERM or SIGINT.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import { isObject, type Json } from "./json.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { startApi } from "./start.ts";

const usage = `usage: node sandbox/api/main.ts --state-dir DIR [options]
                          certificates, tokens and objects, for the next start
  --host ADDRESS          where to listen (127.0.0.1)
  --port NUMBER           0 for any free one (6443)
  --socket PATH           listen on this unix socket too, also with TLS
  --name NAME             a name or address for the certificate; repeatable
  --service-cidr CIDR     for Services; one a family, the preferred one first (10.96.0.0/16)
  --endpoint ADDRESS      the server's address in default/kubernetes; repeatable
  --dns-endpoint ADDRESS  where kube-system/kube-dns is answered; repeatable
  --definition FILE       YAML of a CustomResourceDefinition to have from the start; repeatable
  --kubelet-socket PATH   the kubelet's unix socket, {node} stands for the node's name
  --history-length NUMBER changes of a kind that a watch can resume over (10000)
  --kubeconfig PATH[=URL] write a kubeconfig for clients that call the server at URL; repeatable
`;

const { values } = parseArgs({
  options: {
    "state-dir": { type: "string" },
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "6443" },
    socket: { type: "string" },
    name: { type: "string", multiple: true, default: [] },
    "service-cidr": { type: "string", multiple: true, default: ["10.96.0.0/16"] },
    endpoint: { type: "string", multiple: true, default: [] },
    "dns-endpoint": { type: "string", multiple: true, default: [] },
    definition: { type: "string", multiple: true, default: [] },
    "kubelet-socket": { type: "string", default: "/run/kubelet/{node}.sock" },
    "history-length": { type: "string", default: "10000" },
    kubeconfig: { type: "string", multiple: true, default: [] },
    help: { type: "boolean", default: false },
  },
});
const stateDir = values["state-dir"];
if (values.help || stateDir === undefined) {
  process.stderr.write(usage);
  process.exit(values.help ? 0 : 2);
}

await using api = await startApi({
  stateDir,
  journal: join(stateDir, "objects.jsonl"),
  host: values.host,
  port: Number(values.port),
  ...(values.socket !== undefined && { socketPath: values.socket }),
  names: [values.host, ...values.name],
  serviceCidrs: values["service-cidr"],
  endpoints: values.endpoint,
  dnsEndpoints: values["dns-endpoint"],
  definitions: values.definition.map((file) => {
    const definition: Json = parse(readFileSync(file, "utf8"));
    if (!isObject(definition)) throw new Error(`${file}: no object`);
    return definition;
  }),
  kubeletSocket: (node) => values["kubelet-socket"].replaceAll("{node}", node),
  historyLength: Number(values["history-length"]),
  log: (text) => process.stderr.write(`${text}\n`),
});
for (const pair of values.kubeconfig) {
  const [, path = "", server = api.credentials.server] = /^([^=]*)(?:=(.*))?$/.exec(pair) ?? [];
  await writeKubeconfig(path, { ...api.credentials, server });
}
process.stdout.write(`${JSON.stringify({ ready: true, server: api.credentials.server, port: api.port })}\n`);
await Promise.race(["SIGTERM", "SIGINT"].map((signal) => once(process, signal)));
