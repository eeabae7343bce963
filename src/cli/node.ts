// `weft node`: what an operator does to one node, on that node.

import { Command } from "commander";
import { nodeCleanupCommand } from "./nodeCleanup.ts";
import { nodeUplinkCommand } from "./nodeUplink.ts";

export const nodeCommand = (): Command =>
  new Command("node")
    .description("set up this node's uplink, or remove Weft from this node")
    .addCommand(nodeUplinkCommand())
    .addCommand(nodeCleanupCommand());
