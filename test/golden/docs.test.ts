// Checks the documents against the repository: links point to existing files and headings, and a name that is the text
// of a link to a source file, such as [`podFacts`](../src/plan/pod.ts), occurs in that file. So does the name of a test.
// Code blocks are left out.

import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const root = join(import.meta.dirname, "../..");
const documents = globSync(["README.md", "CONTRIBUTING.md", "docs/**/*.md"], { cwd: root }).sort();
const walks = ["docs/a-pod-is-born.md", "docs/a-service-is-born.md"];

interface Link {
  readonly text: string;
  /** Relative to the repository's root. For a link that is only an anchor, the document itself. */
  readonly file: string;
  /** Without `#`, "" when there is none. */
  readonly anchor: string;
  /** Where it is and what it says, for people. */
  readonly label: string;
}

const read = (file: string): string => readFileSync(join(root, file), "utf8");

const withoutFences = (markdown: string): string => markdown.replaceAll(/^```.*?^```$/gms, "");

/** A document's links into the repository. */
function linksOf(document: string): readonly Link[] {
  return [...withoutFences(read(document)).matchAll(/\[([^\]]*)\]\(([^)\s]+)\)/g)].flatMap(
    ([label, text = "", target = ""]) => {
      if (/^[a-z]+:/.test(target)) return [];
      const [path = "", anchor = ""] = target.split("#");
      const file = path === "" ? document : join(dirname(document), path);
      return [{ text, file, anchor, label: `${document}: ${label}` }];
    },
  );
}

/** The anchors of a document's headings, as GitHub makes them. The second of two equal ones ends in `-1`. */
function anchorsOf(document: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of withoutFences(read(document)).matchAll(/^#+ +(.+)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let number = 0;
    while (anchors.has(number === 0 ? anchor : `${anchor}-${number}`)) number++;
    anchors.add(number === 0 ? anchor : `${anchor}-${number}`);
  }
  return anchors;
}

test("every link of the documents points to a file of the repository", () => {
  const links = documents.flatMap(linksOf);
  assert.ok(links.length > 0);
  assert.deepEqual(
    links
      .filter(({ file }) => file.startsWith("..") || !existsSync(join(root, file)))
      .map(({ label }) => label),
    [],
  );
});

test("every anchor of a link is a heading of the document it points to", () => {
  const anchored = documents
    .flatMap(linksOf)
    .filter(({ anchor, file }) => anchor !== "" && existsSync(join(root, file)));
  assert.deepEqual(
    anchored.filter(({ file, anchor }) => !anchorsOf(file).has(anchor)).map(({ label }) => label),
    [],
  );
});

test("every name that the walks through the code link to occurs in its file", () => {
  const named = walks.flatMap(linksOf).flatMap((link) => {
    const name = /^`([\p{L}_$][\p{L}\p{N}_$]*)`$/u.exec(link.text)?.[1];
    return name === undefined ? [] : [{ ...link, name }];
  });
  assert.ok(named.length > 0);
  assert.deepEqual(
    named
      .filter(({ name, file }) => !new RegExp(`(?<![\\w$])${RegExp.escape(name)}(?![\\w$])`).test(read(file)))
      .map(({ label }) => label),
    [],
  );
});

test("every test that a document links to is there, with the words of the link", () => {
  const tests = documents.flatMap(linksOf).filter(({ file }) => file.endsWith(".test.ts"));
  assert.ok(tests.length > 0);
  assert.deepEqual(
    tests.filter(({ text, file }) => !read(file).includes(text)).map(({ label }) => label),
    [],
  );
});

test("every decision has its place in the list of decisions", () => {
  const folder = "docs/decisions";
  const listed = linksOf(`${folder}/README.md`).map(({ file }) => file);
  const pages = readdirSync(join(root, folder)).filter((name) => name !== "README.md");
  assert.deepEqual(listed.toSorted(), pages.map((name) => join(folder, name)).toSorted());
});
