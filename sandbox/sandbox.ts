// A handle on a running sandbox, for tests, the demo and the command line: its hosts, its processes, its paths. Any
// number of programs may hold one. Disposing of it removes the sandbox.

import { dirname } from "node:path";
import { downSandbox } from "./down.ts";
import { hostEnvironment } from "./environment.ts";
import { inNetns } from "./fabric/netns.ts";
import type { Host } from "./host.ts";
import { baseDirectory, type Layout, layoutOf } from "./layout.ts";
import { type RunOptions, type RunResult, run, tryRun } from "./process/run.ts";
import { Supervisor } from "./process/supervisor.ts";
import { readSettings } from "./settings.ts";

/** One stack of the sandbox. Commands run there as if one had logged in. */
export class SandboxHost {
  readonly host: Host;
  /** The environment of its commands: ovs-vsctl, ovn-nbctl, kubectl … need no options. */
  readonly env: Readonly<Record<string, string>>;

  constructor(host: Host, env: Readonly<Record<string, string>>) {
    this.host = host;
    this.env = env;
  }

  /** The command line that runs `argv` on this host when started with `env`. */
  command(argv: readonly string[]): readonly string[] {
    return inNetns(this.host.netns, argv);
  }

  /** What the command printed. Rejects with CommandError when it fails. */
  exec(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    return run(this.command(argv), { ...options, env: { ...this.env, ...options.env } });
  }

  /** The command's result, whatever its exit status. */
  tryExec(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return tryRun(this.command(argv), { ...options, env: { ...this.env, ...options.env } });
  }
}

export class Sandbox implements AsyncDisposable {
  readonly layout: Layout;
  /** Starts, stops, kills, pauses and restarts by name: `n1-vswitchd`, `central-northd`, `controller` … */
  readonly processes: Supervisor;
  /** Includes the hosts of another sandbox's cloud, if this one is in it. */
  readonly hosts: readonly SandboxHost[];
  readonly nodes: readonly SandboxHost[];
  readonly central: SandboxHost;
  /** A machine beyond the gateway that is not part of the cluster. */
  readonly outside: SandboxHost;

  constructor(layout: Layout) {
    this.layout = layout;
    this.processes = new Supervisor(layout.processDirectory);
    this.hosts = layout.hosts.map((host) => new SandboxHost(host, hostEnvironment(layout, host)));
    this.nodes = layout.nodeHosts.map(({ name }) => this.host(name));
    this.central = this.host(layout.central.name);
    this.outside = this.host(layout.outside.name);
  }

  /** The host of that name: a node, `central`, `outside`, and in underlay mode `h1`, `h2`, `vm`, `machine`. */
  host(name: string): SandboxHost {
    const found = this.hosts.find(({ host }) => host.name === name);
    if (!found)
      throw new Error(`no host ${name}; there are: ${this.hosts.map(({ host }) => host.name).join(" ")}`);
    return found;
  }

  /** For kubectl on the machine itself. */
  get kubeconfig(): string {
    return this.layout.kubeconfig;
  }

  async down(): Promise<void> {
    await downSandbox(this.layout.name, dirname(this.layout.state));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }
}

/** The sandbox `name`, as another command left it. Throws when there is none. */
export function openSandbox(name: string, base = baseDirectory(process.env)): Sandbox {
  const settings = readSettings(`${base}/${name}/sandbox.json`);
  if (!settings)
    throw new Error(
      `no sandbox ${name}; start it with: weft sandbox up${name === "demo" ? "" : ` --name ${name}`}`,
    );
  return new Sandbox(layoutOf(settings, base));
}
