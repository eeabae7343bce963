// The Open vSwitch and OVN under test, chosen as for a sandbox (`WEFT_OVN`, see sandbox/ovn/choice.ts).

import { chosenFolder, schemaFile, searchPath } from "../../sandbox/ovn/choice.ts";
import { writeWrappers } from "../../sandbox/ovn/folder.ts";

const folder = chosenFolder();
if (folder !== undefined) writeWrappers(folder);

/** This process's environment with their programs first in the PATH. */
export const ovnEnvironment: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: searchPath(folder, process.env["PATH"] ?? ""),
};

export const northboundOfOvn = schemaFile(folder, "ovn/ovn-nb");
export const southboundOfOvn = schemaFile(folder, "ovn/ovn-sb");
