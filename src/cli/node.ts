// `weft node`: what an operator does to one node, on that node.

import { Command } from "commander";
import { nodeUplinkCommand } from "./nodeUplink.ts";

export const nodeCommand = (): Command =>
  new Command("node").description("set up this node's uplink").addCommand(nodeUplinkCommand());
