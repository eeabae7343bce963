// The images of a cluster that kubeadm makes, by the names that kubeadm gives their containers (`kubeadm config images list`).

import { join } from "node:path";
import { programFolder } from "../build/versions.ts";
import type { Image } from "./images.ts";

const ofKubernetes = new Set(["kube-apiserver", "kube-controller-manager", "kube-scheduler"]);

/** `references` are what kubeadm lists. */
export const kubeadmImages = (references: readonly string[]): readonly Image[] =>
  references.flatMap((reference) => {
    const name = reference.replace(/:.*/, "").replace(/.*\//, "");
    if (!ofKubernetes.has(name) && name !== "etcd" && name !== "coredns") return [];
    const path = name === "coredns" ? "/coredns" : `/usr/local/bin/${name}`;
    return {
      ...{ name, references: [reference], programs: [], busybox: false },
      entrypoint: name === "coredns" ? [path] : [],
      command: [],
      files: { [path]: join(programFolder, name) },
    };
  });
