// Ginkgo's JSON report, as far as a verdict needs it: one entry for each spec, also for those that were not run.

import * as v from "valibot";

export interface Spec {
  /** As `e2e.test --list-tests` prints it: `[sig-network] Services should …`. */
  readonly name: string;
  /** What it belongs to, without tags: `Services`, `Networking Granular Checks: Pods`. */
  readonly group: string;
  /** `skipped`: it was started and skipped itself. `not run`: the selection left it out. */
  readonly state: "passed" | "failed" | "skipped" | "not run";
  /** Why it failed or skipped itself, its first line; else empty. */
  readonly message: string;
  readonly seconds: number;
}

const texts = v.nullish(v.array(v.string()), []);
const labels = v.nullish(v.array(v.nullish(v.array(v.string()), [])), []);
const schema = v.array(
  v.object({
    SpecReports: v.nullish(
      v.array(
        v.object({
          ContainerHierarchyTexts: texts,
          ContainerHierarchyLabels: labels,
          LeafNodeType: v.string(),
          LeafNodeText: v.string(),
          State: v.string(),
          RunTime: v.number(),
          Failure: v.optional(v.object({ Message: v.optional(v.string(), "") }), { Message: "" }),
        }),
      ),
      [],
    ),
  }),
);

/** The specs of a report; what is set up before and after all of them counts only if it failed. */
export function specsOf(report: string): readonly Spec[] {
  return v
    .parse(schema, JSON.parse(report))
    .flatMap(({ SpecReports }) => SpecReports)
    .flatMap((each): Spec[] => {
      const message = each.Failure.Message.trim().split("\n")[0] ?? "";
      const state = stateOf(each.State, message);
      if (each.LeafNodeType !== "It" && state !== "failed") return [];
      const name = [...each.ContainerHierarchyTexts, each.LeafNodeText].filter(Boolean).join(" ");
      const group = each.ContainerHierarchyTexts.join(" ")
        .replaceAll(/\[[^\]]*\] ?/g, "")
        .trim();
      return [{ name: name || each.LeafNodeType, group, state, message, seconds: each.RunTime / 1e9 }];
    });
}

function stateOf(state: string, message: string): Spec["state"] {
  if (state === "passed") return "passed";
  if (state === "skipped") return message === "" ? "not run" : "skipped";
  return state === "pending" ? "not run" : "failed";
}
