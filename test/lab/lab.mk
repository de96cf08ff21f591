# The lab (test/lab): a real Kubernetes and a real Kafka in it. Included by the Makefile.
LAB := test/lab/lab

.PHONY: lab-install
lab-install: ## the lab's packages and programs (root; minutes of compiling the first time)
	@$(LAB) install

.PHONY: lab-verify
lab-verify: ## the lab itself: a cluster, a lost node, Kafka's listeners, and that nothing is left
	$(call step,lab,$(LAB) verify --kafka 4.3.1)

.PHONY: lab-programs
lab-programs: ## tests of the lab's own programs
	$(call step,the lab's programs,cd test/lab/cmd && go vet ./... && go test ./...)

# What both modules link is compiled once where their versions agree (and flags: CGO_ENABLED=0 -trimpath).
LABMODULES = go list -deps -f '{{with .Module}}{{.Path}} {{with .Replace}}{{.Version}}{{else}}{{.Version}}{{end}}{{end}}' \
	k8s.io/client-go/kubernetes sigs.k8s.io/controller-runtime/pkg/client | sort -u

.PHONY: lab-versions
lab-versions: ## the lab and the project have Kubernetes' libraries, and what they need, in the same versions
	@diff <($(LABMODULES)) <(cd test/lab/tools && $(LABMODULES)) || { echo "left: go.mod, right: test/lab/tools/go.mod; make them equal"; exit 1; }
