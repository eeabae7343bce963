// Forged frames, sent over raw sockets past the kernels of pods and machines. An impostor is not heard by its victim,
// by neighbours or by anybody across the router. True frames of the same kind are heard, so the silence means
// something.

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { plainAddress } from "../../sandbox/host.ts";
import { parseIp } from "../../src/model/ip.ts";
import { macOf } from "../../src/model/mac.ts";
import { suiteLimit } from "../real/suiteLimit.ts";
import { Cluster } from "./cluster.ts";
import {
  arp,
  broadcast,
  datagram,
  type Identity,
  linkLocal,
  neighbourAdvertisement,
  routerAdvertisement,
  tagged,
} from "./frames.ts";
import { namespace, pod } from "./manifests.ts";
import { portOf } from "./poolView.ts";
import { type Spoken, Wire } from "./wire.ts";

const mallory = "town/mallory";
const neighbour = "town/neighbour";
/** The one whom forgers impersonate. It is a neighbour too, and hears what is sent to it. */
const alice = "town/alice";
const far = "town/far";
const invented = "0a:66:66:66:66:66";

/** A pod on the wire of its machine's switch, before the hypervisor. */
interface Nested extends Identity {
  readonly tag: number;
  readonly gateway: Identity;
}

suite("forged frames", suiteLimit, () => {
  let cluster: Cluster;
  let wire: Wire;
  const pods = new Map<string, Nested>();

  before(async () => {
    cluster = await Cluster.up({ name: "forge", mode: "underlay", nodes: 2 });
    await cluster.apply(
      namespace("town"),
      ...["mallory", "alice", "neighbour"].map((name) => pod({ namespace: "town", name, node: "n1" })),
      pod({ namespace: "town", name: "far", node: "n2" }),
    );
    await cluster.podsReady("town");
    for (const place of [mallory, alice, neighbour, far]) pods.set(place, await nested(place));
    wire = new Wire(cluster);
    for (const place of [alice, neighbour, far, "vm", "machine", "n2"]) await wire.listen(place);
  });
  after(async () => {
    await wire?.[Symbol.asyncDispose]();
    await cluster?.[Symbol.asyncDispose]();
  });

  test("what a pod says truly is heard by its neighbours and across the router", async () => {
    const me = the(mallory);
    for (const spoken of truths(me, the(neighbour)))
      await wire.expectHeard({ from: mallory, to: neighbour, spoken });
    for (const family of [4, 6] as const) {
      const routed = { ...the(far), mac: me.gateway.mac };
      await wire.expectHeard({
        from: mallory,
        to: far,
        spoken: say("routed", (mark) => datagram(family, me, routed, mark)),
      });
      const machine = { ...identityOf("machine"), mac: me.gateway.mac };
      await wire.expectHeard({
        from: mallory,
        to: "machine",
        spoken: say("routed", (mark) => datagram(family, me, machine, mark)),
      });
    }
  });

  test("a pod that takes another's MAC, address or VLAN is not heard by anybody", async () => {
    const me = the(mallory);
    const routed = { ...the(far), mac: me.gateway.mac };
    const vm = { ...identityOf("vm"), mac: me.gateway.mac };
    const lies = [
      ...lie("to a neighbour", me, the(alice), the(neighbour)),
      ...lie("to who is claimed", me, the(alice), the(alice)),
      ...lie("to all", me, the(alice), { ...the(neighbour), mac: broadcast }),
      ...lie("across the router", me, the(alice), routed),
      ...lie("as the far end", me, the(far), routed),
      ...lie("as a virtual machine", me, identityOf("vm"), routed),
      ...lie("as its own machine", me, identityOf("n1"), vm),
      ...lie("as the router", me, { ...the(alice), mac: me.gateway.mac }, the(neighbour)),
      ...inTags(me, the(alice), the(neighbour)),
    ];
    assert.deepEqual(
      await wire.overheard(mallory, lies, {
        from: mallory,
        to: neighbour,
        spoken: greeting(me, the(neighbour)),
      }),
      [],
    );
    // A stolen address behind tags that the receiver's kernel ignores, this time with the sender's own MAC.
    const behind = inTags(me, { ...the(alice), mac: me.mac }, the(neighbour));
    assert.deepEqual(
      await wire.overheard(mallory, behind, {
        from: mallory,
        to: neighbour,
        spoken: greeting(me, the(neighbour)),
      }),
      [],
    );
  });

  test("a pod that makes another's address its own by ARP or neighbour discovery is not heard", async () => {
    const me = the(mallory);
    for (const [who, claimed] of [
      ["alice", the(alice)],
      ["the gateway", me.gateway],
    ] as const) {
      const lies = [
        ...neighbourLies(`${who} is at my MAC`, me, { ...claimed, mac: me.mac }, the(neighbour)),
        ...neighbourLies(`${who} is at an invented MAC`, me, { ...claimed, mac: invented }, the(neighbour)),
        ...neighbourLies(`${who} says so`, { ...claimed, mac: me.mac }, claimed, the(neighbour)),
        ...neighbourLies("I am at another MAC", me, { ...me, mac: invented }, the(neighbour)),
      ];
      assert.deepEqual(
        await wire.overheard(mallory, lies, {
          from: mallory,
          to: neighbour,
          spoken: greeting(me, the(neighbour)),
        }),
        [],
      );
    }
  });

  test("a pod that says it is a router is no other pod's way out", async () => {
    const me = { ...the(mallory), 6: linkLocal(the(mallory).mac) };
    const rogue = say("I am a router", (mark) => routerAdvertisement(me, mark));
    await wire.overheard(mallory, [rogue, rogue], {
      from: mallory,
      to: neighbour,
      spoken: greeting(the(mallory), the(neighbour)),
    });
    for (const place of [neighbour, alice]) {
      const [ns = "", name = ""] = place.split("/");
      const routes = await cluster.kubectl(
        "exec",
        "-n",
        ns,
        name,
        "--",
        "ip",
        "-6",
        "route",
        "show",
        "default",
      );
      assert.match(routes, /^default via fd00:10:244:[^\n]*\n?$/, place);
    }
  });

  test("what root on a VM says as the VM is heard, and nothing as another VM or in a VLAN that no pod has", async () => {
    const [me, other, vm] = [identityOf("n1"), identityOf("n2"), identityOf("vm")];
    const router = cluster.sandbox.layout.tenant?.vms ?? assert.fail("no tenant");
    for (const spoken of truths(me, vm)) await wire.expectHeard({ from: "n1", to: "vm", spoken });
    const lies = [
      ...lie("to a machine", me, other, vm),
      ...lie("to who is claimed", me, other, other),
      ...lie("across the router", me, other, { ...identityOf("machine"), mac: router.mac }),
      ...lie("as a pod of another VM", me, the(far), { ...the(alice), mac: router.mac }),
      ...lie("as a pod of its own, without the VLAN", me, the(mallory), vm),
      ...neighbourLies("n2 is at my MAC", me, { ...other, mac: me.mac }, vm),
      ...neighbourLies("n2 says so", { ...other, mac: me.mac }, other, vm),
      say("in a VLAN that no pod has", (mark) => tagged(datagram(4, me, vm, mark), 4000)),
      say("in the VLAN of a pod", (mark) => tagged(datagram(4, me, vm, mark), the(mallory).tag)),
      say("with an empty tag", (mark) => tagged(datagram(4, other, vm, mark), 0)),
      say("with two empty tags", (mark) => tagged(datagram(4, other, vm, mark), 0, 0)),
    ];
    assert.deepEqual(
      await wire.overheard("n1", lies, { from: "n1", to: "vm", spoken: greeting(me, vm) }),
      [],
    );
  });

  test("root on a VM can impersonate a pod that runs there, and no other pod", async () => {
    const [own, other] = [the(mallory), the(far)];
    const routed = { ...the(far), mac: own.gateway.mac };
    const asOwn = say("as a pod of its own", (mark) => tagged(datagram(4, own, routed, mark), own.tag));
    await wire.expectHeard({ from: "n1", to: far, spoken: asOwn });
    const lies = [
      ...lie("in a pod's VLAN, as another pod here", own, the(alice), routed),
      ...lie("in a pod's VLAN, as a pod elsewhere", own, other, { ...the(neighbour), mac: own.gateway.mac }),
      ...lie("in a pod's VLAN, as the VM", own, identityOf("n1"), routed),
      ...inTags(own, { ...the(alice), mac: own.mac }, the(neighbour)),
    ].map(({ what, frame }) => say(what, (mark) => [frame(mark)].flat().map((one) => tagged(one, own.tag))));
    assert.deepEqual(await wire.overheard("n1", lies, { from: "n1", to: far, spoken: asOwn }), []);
  });

  test("a pod that takes a machine for a router gets nowhere, though the machine forwards", async () => {
    const me = the(mallory);
    const machines = ["n1", "n2"];
    for (const name of machines)
      await cluster.sandbox
        .host(name)
        .exec(["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
    const goals = [identityOf("vm"), identityOf("machine"), the(far), the(neighbour)];
    const strays = machines.flatMap((by) =>
      goals.flatMap((goal) =>
        ([4, 6] as const).map((family) =>
          say(`by way of ${by} to ${goal[family]}`, (mark) =>
            datagram(family, me, { ...goal, mac: identityOf(by).mac }, mark),
          ),
        ),
      ),
    );
    const proof = { from: mallory, to: neighbour, spoken: greeting(me, the(neighbour)) };
    assert.deepEqual(await wire.overheard(mallory, strays, proof), []);
  });

  const the = (place: string): Nested => pods.get(place) ?? assert.fail(place);

  async function nested(place: string): Promise<Nested> {
    const [ns = "", name = ""] = place.split("/");
    const { identity, tag, node } = await portOf(cluster, ns, name);
    const gateway = { 4: identity[4].replace(/\d+$/, "1"), 6: identity[6].replace(/[0-9a-f]+$/, "1") };
    return {
      ...identity,
      tag,
      gateway: { ...gateway, mac: macOf(parseIp(gateway[4]) ?? assert.fail(node)) },
    };
  }

  function identityOf(hostName: string): Identity {
    const { mac, addresses } = cluster.sandbox.host(hostName).host;
    const [v4 = "", v6 = ""] = addresses.map(plainAddress);
    return { mac, 4: v4, 6: v6 };
  }
});

const say = (what: string, frame: Spoken["frame"]): Spoken => ({ what, frame });

const greeting = (from: Identity, to: Identity): Spoken =>
  say("its own", (mark) => datagram(4, from, to, mark));

/** Each kind of frame that is forged below. */
const truths = (me: Identity, to: Identity): readonly Spoken[] => [
  greeting(me, to),
  say("its own in IPv6", (mark) => datagram(6, me, to, mark)),
  say("an ARP answer", (mark) => arp(me, me, to, mark)),
  say("an ARP announcement", (mark) => arp(me, me, undefined, mark)),
  say("a neighbour advertisement", (mark) => neighbourAdvertisement(me, me, to, mark)),
  say("a neighbour advertisement to all", (mark) => neighbourAdvertisement(me, me, undefined, mark)),
];

/** Datagrams to `to` from `me`, which uses the MAC of `other`, its addresses, or both, or a MAC that nobody has. */
const lie = (what: string, me: Identity, other: Identity, to: Identity): readonly Spoken[] =>
  ([4, 6] as const).flatMap((family) =>
    [
      say("with another's MAC", (mark) => datagram(family, { ...me, mac: other.mac }, to, mark)),
      say("with an invented MAC", (mark) => datagram(family, { ...me, mac: invented }, to, mark)),
      say("with another's address", (mark) => datagram(family, { ...other, mac: me.mac }, to, mark)),
      say("with all of another's", (mark) => datagram(family, other, to, mark)),
    ].map((spoken) => say(`${what}, IPv${family}, ${spoken.what}`, spoken.frame)),
  );

const neighbourLies = (what: string, from: Identity, claimed: Identity, to: Identity): readonly Spoken[] =>
  [to, undefined].flatMap((target) => {
    const whom = target ? "to one" : "to all";
    return [
      say(`${what}, by ARP ${whom}`, (mark) => arp(from, claimed, target, mark)),
      say(`${what}, by ND ${whom}`, (mark) => neighbourAdvertisement(from, claimed, target, mark)),
    ];
  });

/** Frames of `claimed` in its VLAN, its own VLAN and none, one inside the other, and behind meaningless tags. */
const inTags = (me: Nested, claimed: Nested, to: Identity): readonly Spoken[] =>
  [
    [claimed.tag],
    [me.tag, claimed.tag],
    [claimed.tag, me.tag],
    [0],
    [0, 0],
    [0, 0, 0],
    [0, claimed.tag],
    [me.tag, 0],
  ].flatMap((tags) =>
    ([4, 6] as const).map((family) =>
      say(`in VLANs ${tags.join()}, IPv${family}, ${claimed.mac}`, (mark) =>
        tagged(datagram(family, claimed, to, mark), ...tags),
      ),
    ),
  );
