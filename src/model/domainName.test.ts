import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { domainPatternOf, patternsMatching } from "./domainName.ts";

test("a pattern is a name, or a name behind a star, whatever its case", () => {
  assert.equal(domainPatternOf("WWW.Example.com."), "www.example.com");
  assert.equal(domainPatternOf("*.Example.com"), "*.example.com");
  assert.equal(domainPatternOf("_srv.a-b.example"), "_srv.a-b.example");
  for (const text of [
    "",
    "com",
    "*",
    "*.com",
    "a..b",
    "a.*.com",
    "-a.com",
    "a b.com",
    `${"a".repeat(64)}.com`,
  ])
    assert.equal(domainPatternOf(text), undefined, text);
  assert.equal(domainPatternOf(`${"a.".repeat(130)}com`), undefined);
});

test("a star stands for one or more whole labels", () => {
  const matches = (pattern: string, name: string): boolean => patternsMatching(name).includes(pattern);
  assert.ok(matches("kubernetes.io", "kubernetes.io"));
  assert.ok(matches("*.kubernetes.io", "www.kubernetes.io"));
  assert.ok(matches("*.kubernetes.io", "latest.blog.kubernetes.io"));
  assert.ok(!matches("*.kubernetes.io", "kubernetes.io"));
  assert.ok(!matches("*.kubernetes.io", "my-kubernetes.io"));
  assert.ok(!matches("kubernetes.io", "www.kubernetes.io"));
});

test("matching says the same as comparing ends", () => {
  const labels = fc.array(fc.constantFrom("a", "b", "io"), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(labels, labels, fc.boolean(), (name, rest, isStar) => {
      const [domain, end] = [name.join("."), rest.join(".")];
      const pattern = isStar ? `*.${end}` : end;
      const expected = isStar ? domain.endsWith(`.${end}`) : domain === end;
      assert.equal(patternsMatching(domain).includes(pattern), expected);
    }),
  );
});
