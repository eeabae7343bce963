import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { podNetworkOf } from "../kube/annotations.ts";
import { formatCidr } from "../model/ip.ts";
import { Api, aNode, aPod, decider, ready, settled, texts } from "./decidedFixture.ts";

test("a write that fails is written again with the same choice", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  api.away = true;
  await assert.rejects(
    settled(() => deciding.podLives.decide(api.pod("web-1"))),
    /no answer/,
  );
  api.away = false;
  assert.deepEqual(texts(ready(await settled(() => deciding.podLives.decide(api.pod("web-1"))))), [
    "10.244.0.3/24",
  ]);
});

test("an annotation that somebody removes is put back", async () => {
  const api = new Api();
  api.put(aNode("n1"), aPod("web-1"));
  const deciding = await decider(api);
  await settled(() => deciding.nodeLives.decide(api.node("n1")));
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  ready(deciding.podLives.decide(api.pod("web-1")));
  api.put({ ...api.pod("web-1"), annotations: {}, resourceVersion: "9" });
  await settled(() => deciding.podLives.decide(api.pod("web-1")));
  assert.deepEqual(podNetworkOf(api.pod("web-1"))?.addresses.map(formatCidr), ["10.244.0.3/24"]);
});

test("a restart decides nothing anew", async () => {
  const api = new Api();
  api.put(aNode("n1"), aNode("n2"), aPod("web-1"), aPod("web-2", { nodeName: "n2" }));
  const before = await decider(api);
  for (const name of ["n2", "n1"]) await settled(() => before.nodeLives.decide(api.node(name)));
  for (const name of ["web-1", "web-2"]) await settled(() => before.podLives.decide(api.pod(name)));
  const { writes } = api;
  const after = await decider(api);
  const stranger = aNode("n0");
  api.put(stranger);
  assert.equal(ready(await settled(() => after.nodeLives.decide(stranger))).id, 4);
  for (const name of ["n1", "n2"]) {
    const node = ready(after.nodeLives.decide(api.node(name)));
    assert.deepEqual(node.subnets, before.node(name)?.subnets);
  }
  for (const name of ["web-1", "web-2"]) {
    assert.deepEqual(
      ready(after.podLives.decide(api.pod(name))),
      ready(before.podLives.decide(api.pod(name))),
    );
  }
  assert.equal(api.writes, writes + 1);
});

test("whatever fails, restarts, dies and is copied, no two living pods are ever ready with one address", async () => {
  const step = fc.record({
    pod: fc.integer({ min: 0, max: 7 }),
    what: fc.constantFrom("ask", "ask while away", "die", "copy", "restart"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const api = new Api();
      api.put(aNode("n1"));
      let deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
      await settled(() => deciding.nodeLives.decide(api.node("n1")));
      let lives = 0;
      for (const { pod: number, what } of steps) {
        const name = `p${number}`;
        const pod = api.pods.find((candidate) => candidate.name === name);
        if (what === "die") {
          if (pod) api.objects.delete(pod.uid);
          for (const uid of deciding.podLives.former("shop", name, undefined))
            deciding.podLives.release("shop", name, uid);
        } else if (what === "restart") {
          deciding = await decider(api, { pods: ["10.244.0.0/16/29"] });
          await settled(() => deciding.nodeLives.decide(api.node("n1")));
        } else {
          const stolen = what === "copy" ? (api.pods.at(0)?.annotations ?? {}) : {};
          const asked = pod ?? aPod(name, { uid: `uid-${lives++}`, annotations: stolen });
          api.put(asked);
          api.away = what === "ask while away";
          const answer = settled(() => deciding.podLives.decide(asked));
          await answer.catch((error: unknown) => assert.match(String(error), /no answer/));
          api.away = false;
        }
        const held = new Set<string>();
        for (const living of api.pods) {
          const decision = deciding.podLives.decide(living);
          if (decision.state === "pending") await decision.written;
          if (decision.state !== "ready") continue;
          for (const text of texts(decision.value)) {
            assert.equal(held.has(text), false, `${text} doubled`);
            held.add(text);
          }
        }
      }
    }),
    { numRuns: 150 },
  );
});
