// Services of type LoadBalancer and FloatingAddresses that nobody from outside can reach yet. That is no fault of the
// cluster: there may be no pool for them, or no pod.

import { loadBalancerClass } from "../../decide/balancerIngress.ts";
import type { FloatingAddress } from "../../kube/floatingAddress.ts";
import type { Service } from "../../kube/objects.ts";
import type { Told } from "./told.ts";

export interface Unreached {
  readonly kind: "Service" | "FloatingAddress";
  /** `shop/web` */
  readonly object: string;
  readonly why: string;
}

/** Whether it should have an address from a pool, and nobody has given it anything. */
export const lacksIngress = ({ balancer, ingressIps }: Service): boolean =>
  balancer !== undefined &&
  [undefined, loadBalancerClass].includes(balancer.loadBalancerClass) &&
  ingressIps === undefined;

/** `told`: what the controller says about Services without an address. */
export function unreached(
  services: readonly Service[],
  floatings: readonly FloatingAddress[],
  told: Told | undefined,
): readonly Unreached[] {
  const named = ({ namespace, name }: Service | FloatingAddress): string => `${namespace}/${name}`;
  return [
    ...services.filter(lacksIngress).map((service) => ({
      kind: service.kind,
      object: named(service),
      why: told?.get(service.uid) ?? "it has no address; the controller does not say why: see its log",
    })),
    ...floatings
      .filter(({ given: { ready } }) => ready?.status !== "True")
      .map((floating) => ({
        kind: floating.kind,
        object: named(floating),
        why: floating.given.ready?.message ?? "the controller has not seen it: see its log",
      })),
  ];
}
