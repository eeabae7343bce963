// Which ports of nodes are a Service's.

import { isForeign } from "../model/foreign.ts";
import { hostPortKey } from "../model/hostPort.ts";
import type { Service } from "./objects.ts";

/** `TCP 30080` */
export const nodePortKeys = ({ type, labels, ports }: Service): readonly string[] =>
  type === "ExternalName" || isForeign(labels)
    ? []
    : ports.flatMap(({ protocol, nodePort }) =>
        nodePort === undefined ? [] : [hostPortKey({ protocol, hostPort: nodePort })],
      );
