// What policies cost in OVN: how long datagrams still arrive after a policy has been made that forbids them, or after a pod
// has got a label by which a policy selects it; beside what closes a port by hand; with few switches and with a thousand
// more on the router.

import { namesOf } from "../../src/model/names.ts";
import { type Bench, compared, type Figure } from "../figure.ts";
import { inTurn, type Pair, Side } from "../inTurn.ts";
import { addManySwitches, many } from "../pools/manySwitches.ts";
import { settled } from "../wiring/databases.ts";
import { byAcl, byAddressSet, type Way } from "./byHand.ts";
import { PolicyBed } from "./policyBed.ts";

const turns = { fewest: 5, most: 8 } as const;
const ofBlock = { few: 3, many: 1 } as const;

export const policiesInForceBench: Bench = {
  name: "policies-in-force",
  about: `a policy made, a pod selected, and an ACL and an address set by hand, in turn, until no datagram arrives, beside few and ${many.switches} other switches`,
  async run(progress) {
    await using few = await PolicyBed.up("benchpolicy", 3, 0, progress);
    const atFew = await sidesOf(few, ofBlock.few);
    await inTurn(atFew.pairs, turns);
    const figures = figuresOf("3 nodes", atFew);
    progress(JSON.stringify(figures.map(({ name, value, limit }) => [name, value, limit?.value])));

    await using more = await PolicyBed.up("benchpolicy2", 1, 0, progress);
    await addManySwitches(more.sandbox, namesOf("weft").clusterRouter);
    progress(`${many.switches} switches are there`);
    const atMany = await sidesOf(more, ofBlock.many);
    await inTurn(atMany.pairs, turns);
    figures.push(...figuresOf(`${many.switches} switches`, atMany));
    return figures;
  },
};

interface Sides {
  readonly policy: Side;
  readonly label: Side;
  readonly acl: Side;
  readonly set: Side;
  readonly pairs: readonly Pair[];
}

async function sidesOf(bed: PolicyBed, count: number): Promise<Sides> {
  const { northbound, target } = bed;
  const side = (way: Way): Side =>
    new Side(async () => {
      const times: number[] = [];
      for (let one = 0; one < count; one++) {
        await settled(bed.sandbox);
        await bed.silence.heard();
        times.push(await bed.silence.after(way.close));
        await way.open();
        await bed.silence.heard();
      }
      return times;
    });
  const policy = side(bed.byPolicy());
  const label = side(await bed.byLabel());
  const acl = side(byAcl(northbound, target));
  const set = side(await byAddressSet(northbound, target));
  return {
    ...{ policy, label, acl, set },
    pairs: [
      [policy, acl],
      [label, set],
    ],
  };
}

function figuresOf(where: string, { policy, label, acl, set }: Sides): Figure[] {
  const figure = (name: string, own: Side, limit: { readonly name: string; readonly side: Side }): Figure =>
    compared({ name: `${name}, ${where}`, unit: "ms", own, limit });
  return [
    figure("policy made, until its last packet", policy, { name: "ACL by hand", side: acl }),
    figure("pod first selected, until its last packet", label, { name: "address set by hand", side: set }),
  ];
}
