import assert from "node:assert/strict";
import { test } from "node:test";
import { sumOfAdds } from "./cniTime.ts";

test("only successful ADDs count", () => {
  const page = [
    "# TYPE weft_cni_request_seconds histogram",
    'weft_cni_request_seconds_bucket{le="0.1",command="ADD",code="0"} 3',
    'weft_cni_request_seconds_sum{command="ADD",code="0"} 0.125',
    'weft_cni_request_seconds_count{command="ADD",code="0"} 3',
    'weft_cni_request_seconds_sum{command="ADD",code="11"} 100',
    'weft_cni_request_seconds_count{command="ADD",code="11"} 1',
    'weft_cni_request_seconds_sum{command="DEL",code="0"} 7',
  ];
  assert.deepEqual(sumOfAdds(page.join("\n")), { seconds: 0.125, count: 3 });
  assert.deepEqual(sumOfAdds(""), { seconds: 0, count: 0 });
});
