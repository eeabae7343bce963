import assert from "node:assert/strict";
import { test } from "node:test";
import { News } from "./news.ts";
import { placesByStatus, podFixture } from "./selectFixture.ts";
import { allNamespaces, labelSelection } from "./selection.ts";

const selection = labelSelection(allNamespaces, []);
const [place] = placesByStatus(podFixture("shop", "web", {}, { podIps: ["10.0.0.1"] }));
assert.ok(place);

test("a place that came and went, or went and came back, is no news", () => {
  const news = new News();
  news.added(selection, place);
  news.removed(selection, place);
  assert.deepEqual([news.size, news.take()], [0, []]);
  news.removed(selection, place);
  news.added(selection, place);
  assert.deepEqual([news.size, news.take()], [0, []]);
});

test("news that has been taken is not reported again", () => {
  const news = new News();
  news.added(selection, place);
  assert.deepEqual(news.take(), [{ selection, added: [place], removed: [] }]);
  news.removed(selection, place);
  assert.deepEqual(news.take(), [{ selection, added: [], removed: [place] }]);
});
