// The Event that tells people, once per pod, that the sandbox has no images. Pure.

import type { Pod } from "../client/objects.ts";

export function imageIgnored({ spec: { containers, initContainers = [] } }: Pod): string {
  const all = [...initContainers, ...containers];
  const images = [...new Set(all.flatMap(({ image }) => image ?? []))];
  const idle = all.filter(({ command = [], args = [] }) => command.length + args.length === 0);
  const echo = idle.map(({ name }) => name).join(", ");
  return [
    `The sandbox pulls no image (${images.join(", ")}): containers run this machine's own programs`,
    ...(idle.length > 0 ? [`without a command, the echo server runs (container ${echo})`] : []),
  ].join("; ");
}
