// Which form of answer the client wants: objects, or a Table of them. Always in JSON.

import { ApiError } from "../status.ts";

export type AnswerForm = "object" | "table";

/** The first form in the Accept header that the server can give. */
export function answerFormOf(accept: string | undefined): AnswerForm {
  for (const option of (accept || "*/*").split(",")) {
    const [type = "", ...parameters] = option.split(";").map((part) => part.trim());
    if (type !== "application/json" && type !== "application/*" && type !== "*/*") continue;
    const as = parameters.find((parameter) => parameter.startsWith("as="));
    if (as === undefined) return "object";
    if (as === "as=Table" && parameters.includes("v=v1") && parameters.includes("g=meta.k8s.io"))
      return "table";
  }
  throw new ApiError(
    406,
    "NotAcceptable",
    "only the following media types are accepted: application/json, application/json;as=Table;v=v1;g=meta.k8s.io",
  );
}
