// The commands of a guide, run as they stand there. Only names and addresses are replaced, as a reader would.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "../../../sandbox/process/run.ts";
import { programFolder } from "../build/versions.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { NodePlaces } from "../cluster/places.ts";
import { inNode } from "../node/namespace.ts";
import { runtimeFolder } from "../node/runtime.ts";

const checkout = join(import.meta.dirname, "../../..");
const limitMs = 6 * 60_000;

/** The indented or plain fenced blocks of a document, in their order. */
export const blocksIn = (document: string): readonly string[] =>
  [...document.matchAll(/^( *)```\n(.*?)^\1```$/gms)].map(([, indent = "", text = ""]) =>
    text.replaceAll(new RegExp(`^${indent}`, "gm"), "").trimEnd(),
  );

type Replacements = Readonly<Record<string, string>>;

export class Guide {
  readonly #name: string;
  readonly #blocks: readonly string[];
  readonly #replacements: Replacements;
  readonly #cluster: Cluster;

  private constructor(name: string, blocks: readonly string[], cluster: Cluster, replacements: Replacements) {
    this.#name = name;
    this.#blocks = blocks;
    this.#cluster = cluster;
    this.#replacements = replacements;
  }

  /** `name` is that of a file in docs/. */
  static async open(name: string, cluster: Cluster, replacements: Replacements): Promise<Guide> {
    const text = await readFile(join(checkout, "docs", name), "utf8");
    return new Guide(name, blocksIn(text), cluster, replacements);
  }

  /** The one block with these words, for this node. */
  block(words: string, node = ""): string {
    const found = this.#blocks.filter((block) => block.includes(words));
    const [block] = found;
    if (block === undefined || found.length > 1)
      throw new Error(`docs/${this.#name} has ${found.length} blocks with ${words}, and not one`);
    return Object.entries({ ...this.#replacements, NODE: node }).reduce(
      (text, [old, fresh]) => text.replaceAll(old, fresh),
      block,
    );
  }

  /** Where an operator has kubectl, Helm and a checkout. */
  operator(script: string): Promise<string> {
    const { kubeconfig } = this.#cluster.places;
    const env = { KUBECONFIG: kubeconfig, PATH: `${programFolder}:${process.env["PATH"]}` };
    return run(["bash", "-euc", script], { env, cwd: checkout, timeoutMs: limitMs });
  }

  /** On the node, as root. */
  onNode(node: NodePlaces, script: string): Promise<string> {
    const { env } = this.#cluster.sandbox.host(node.host.name);
    const path = `${runtimeFolder}:${env["PATH"]}`;
    return run(inNode(node, ["bash", "-euc", script]), { env: { ...env, PATH: path }, timeoutMs: limitMs });
  }
}
