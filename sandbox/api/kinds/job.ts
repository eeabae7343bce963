// batch/v1 Job. Its selector and its pods' labels are derived from its uid when it is created.

import type { Causes } from "../causes.ts";
import { at, listAt, numberAt, objectAt, sameJson, textAt, withDefaults } from "../json.ts";
import type { KubeObject } from "../objects.ts";
import { ageColumn, spanText } from "../tables/age.ts";
import { checkNotNegative, checkOneOf } from "../validate/fields.ts";
import { defineKind, text } from "./kind.ts";
import { defaultPodSpec } from "./pod-defaults.ts";
import { checkPodSpec } from "./pod-validation.ts";
import { templateColumns } from "./workload.ts";

export const jobs = defineKind({
  group: "batch",
  version: "v1",
  kind: "Job",
  plural: "jobs",
  categories: ["all"],
  namespaced: true,
  tracksGeneration: true,
  subresources: ["status"],
  selectableFields: { "status.successful": (job) => String(numberAt(job, "status", "succeeded") ?? 0) },
  columns: [
    text("Status", statusOf),
    text("Completions", (job) => {
      const wanted = numberAt(job, "spec", "completions");
      const parallelism = numberAt(job, "spec", "parallelism") ?? 0;
      const most = wanted ?? (parallelism > 1 ? `1 of ${parallelism}` : 1);
      return `${numberAt(job, "status", "succeeded") ?? 0}/${most}`;
    }),
    text("Duration", (job, now) => {
      const start = textAt(job, "status", "startTime");
      const end = textAt(job, "status", "completionTime");
      return start === "" ? "" : spanText((end === "" ? now : Date.parse(end)) - Date.parse(start));
    }),
    ageColumn,
    ...templateColumns,
  ],
  defaults: (job) => {
    const spec = objectAt(job, "spec");
    const template = objectAt(spec, "template");
    const alone = at(spec, "completions") === undefined && at(spec, "parallelism") === undefined;
    return {
      ...job,
      spec: {
        ...withDefaults(spec, {
          ...(alone && { completions: 1 }),
          parallelism: 1,
          backoffLimit: 6,
          completionMode: "NonIndexed",
          suspend: false,
          podReplacementPolicy: "TerminatingOrFailed",
        }),
        template: { ...template, spec: defaultPodSpec(objectAt(template, "spec")) },
      },
      status: objectAt(job, "status"),
    };
  },
  prepareCreate: withSelector,
  validate: checkJob,
  validateUpdate: (job, old, causes) => {
    for (const field of ["completions", "selector", "template", "completionMode"])
      if (!sameJson(objectAt(job, "spec")[field], objectAt(old, "spec")[field]))
        causes.invalid(`spec.${field}`, objectAt(job, "spec")[field], "field is immutable");
  },
});

function withSelector(job: KubeObject): KubeObject {
  const spec = objectAt(job, "spec");
  if (spec["manualSelector"] === true) return { ...job, status: {} };
  const { name, uid } = job.metadata;
  const own = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const template = objectAt(spec, "template");
  const metadata = objectAt(template, "metadata");
  const labels = { ...objectAt(metadata, "labels"), ...own };
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  return {
    ...job,
    spec: { ...spec, selector, template: { ...template, metadata: { ...metadata, labels } } },
    status: {},
  };
}

function checkJob(job: KubeObject, causes: Causes): void {
  const spec = objectAt(job, "spec");
  for (const field of [
    "parallelism",
    "completions",
    "backoffLimit",
    "activeDeadlineSeconds",
    "ttlSecondsAfterFinished",
  ])
    checkNotNegative(causes, `spec.${field}`, spec[field]);
  checkOneOf(causes, "spec.completionMode", spec["completionMode"], ["Indexed", "NonIndexed"]);
  if (textAt(spec, "completionMode") === "Indexed" && spec["completions"] === undefined)
    causes.required("spec.completions", "when completion mode is Indexed");
  checkPodSpec(objectAt(spec, "template")["spec"], "spec.template.spec", causes);
  const policy = textAt(spec, "template", "spec", "restartPolicy");
  if (policy === "Always")
    causes.notSupported("spec.template.spec.restartPolicy", policy, ["OnFailure", "Never"]);
}

function statusOf(job: KubeObject): string {
  const holds = (type: string): boolean =>
    listAt(job, "status", "conditions").some(
      (one) => textAt(one, "type") === type && textAt(one, "status") === "True",
    );
  const ended = ["Complete", "Failed", "Suspended"].find(holds);
  return ended ?? (job.metadata.deletionTimestamp === undefined ? "Running" : "Terminating");
}
