import assert from "node:assert/strict";
import { test } from "node:test";
import { Membership } from "./membership.ts";

const member = {
  _uuid: "",
  name: "Db",
  model: "clustered",
  connected: true,
  leader: true,
  cid: "c1",
  index: 10,
};

test("a standalone server, and one that tells nothing, is one to stay with", () => {
  assert.equal(new Membership(true).refusal({ ...member, model: "standalone", leader: false }), undefined);
  assert.equal(new Membership(true).refusal(undefined), undefined);
});

test("a member that is cut off is left, and so is a relay without a source", () => {
  assert.match(new Membership(false).refusal({ ...member, connected: false }) ?? "", /cut off/);
  assert.match(
    new Membership(false).refusal({ ...member, model: "relay", connected: false }) ?? "",
    /source/,
  );
  assert.equal(new Membership(true).refusal({ ...member, model: "relay", leader: false }), undefined);
});

test("a follower is left only by a session that wants the leader", () => {
  assert.match(new Membership(true).refusal({ ...member, leader: false }) ?? "", /is not the leader/);
  assert.equal(new Membership(false).refusal({ ...member, leader: false }), undefined);
});

test("a member behind what was seen is left, but another cluster starts from its own beginning", () => {
  const membership = new Membership(false);
  assert.equal(membership.refusal(member), undefined);
  assert.match(membership.refusal({ ...member, index: 9 }) ?? "", /stale/);
  assert.equal(membership.refusal({ ...member, index: 11 }), undefined);
  assert.equal(membership.refusal({ ...member, cid: "c2", index: 1 }), undefined);
});
