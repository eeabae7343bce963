// `weft resolver`: from command-line options to a running DNS server.

import { readFile } from "node:fs/promises";
import { Command, InvalidArgumentError, Option } from "commander";
import { Registry } from "prom-client";
import { ConfigError } from "../config/error.ts";
import { kubeconfigOption, list, logLevelOption, metricsOption } from "../config/options.ts";
import { serveHealth } from "../health/serve.ts";
import { ApiServer } from "../kube/apiServer.ts";
import { systemClock } from "../kube/clock.ts";
import { EventRecorder } from "../kube/recorder.ts";
import { watchKind } from "../kube/watch.ts";
import { Book } from "../resolver/book.ts";
import { limits } from "../resolver/limits.ts";
import { resolverMetrics } from "../resolver/metrics.ts";
import { resolving } from "../resolver/resolver.ts";
import { serveDns } from "../resolver/serveDns.ts";
import { serverOf, serversIn } from "../resolver/servers.ts";
import { type Server, Upstreams } from "../resolver/upstreams.ts";
import { kubeClient } from "./connect.ts";
import { jsonLog } from "./log.ts";
import { untilStopped } from "./signals.ts";

interface Flags {
  readonly kubeconfig?: string;
  readonly listen: readonly Server[];
  readonly upstream: readonly Server[];
  readonly metricsAddress: string;
  readonly logLevel: string;
}

const resolvConf = "/etc/resolv.conf";

export const resolverCommand = (): Command =>
  new Command("resolver")
    .description(
      "answer CoreDNS from the servers that it would ask, and learn the addresses of the domain names that policies allow",
    )
    .addOption(kubeconfigOption())
    .addOption(
      new Option("--listen <list>", "addresses to answer on, over UDP and TCP")
        .default([{ ip: { family: 4, value: 0n }, port: 53 }], "0.0.0.0:53")
        .argParser(servers),
    )
    .addOption(
      new Option("--upstream <list>", "DNS servers to ask in turn, beginning with the one that answered last")
        .default([], `those in ${resolvConf}`)
        .argParser(servers),
    )
    .addOption(metricsOption("127.0.0.1:9414"))
    .addOption(logLevelOption())
    .action(async (flags: Flags) => {
      const registry = new Registry();
      const { log, levels } = jsonLog(flags.logLevel);
      const upstreams =
        flags.upstream.length > 0 ? flags.upstream : serversIn(await readFile(resolvConf, "utf8"));
      if (upstreams.length === 0)
        throw new ConfigError(`${resolvConf} names no server: give --upstream the servers to ask`);
      using client = await kubeClient(flags.kubeconfig, "resolver");
      await using events = new EventRecorder({ client, component: "weft-resolver", log });
      await untilStopped(async (signal) => {
        const server = new ApiServer(client);
        const policies = watchKind(client, "ClusterNetworkPolicy", { server, signal, log });
        const names = watchKind(client, "LearnedName", { server, signal, log });
        const book = new Book({
          ...{ client, policies, names, clock: systemClock, log, signal },
          onBeyond: (object, count) =>
            events.record(object, "Warning", "LimitExceeded", beyondText(object.pattern, count)),
        });
        const isReady = (): boolean => policies.synced && names.synced;
        await serveHealth(
          {
            ...{ address: flags.metricsAddress, registry, logLevels: levels },
            notReady: () =>
              isReady() ? book.trouble : "the API server has not listed policies and LearnedNames yet",
          },
          signal,
        );
        const metrics = resolverMetrics(registry, () => book.wanted.size);
        // Without the API server it answers all the same, and learns nothing.
        const answer = resolving({
          ...{ upstreams: new Upstreams(upstreams), book, metrics, wall: systemClock.wall, log, signal },
        });
        await serveDns(flags.listen, answer, signal);
        log("info", "answers", { upstreams: upstreams.length });
        await Promise.all([policies.ready(signal), names.ready(signal)]);
        book.begin();
        await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      });
    });

const beyondText = (pattern: string, count: number): string =>
  `${count} addresses of ${pattern} are not allowed: a name has at most ${limits.ofName} of each family, and a pattern ${limits.ofPattern}; the newest count`;

function servers(text: string): readonly Server[] {
  return list(text).map((one) => {
    const server = serverOf(one);
    if (!server) throw new InvalidArgumentError(`"${one}" is no address, with or without a port`);
    return server;
  });
}
