# shellcheck shell=bash
# install.sh: the programs of a cluster. Kubernetes, CoreDNS and helm share one module (tools), so that what they have in
# common is compiled once; etcd has its own, since its requirements are older.

PACKAGES=(containerd=containerd runc=runc containernetworking-plugins=/usr/lib/cni/bridge iptables=iptables nftables=nft
  conntrack=conntrack socat=socat busybox-static=/bin/busybox iproute2=ip procps=pgrep util-linux=nsenter openssl=openssl
  gcc=gcc libc6-dev=/usr/include/stdlib.h)

# What kubebox acts as, by the name it is called by.
KUBEBOX=(kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl lab-provisioner)

# required MODULE: its version in tools/go.mod, the one place that names it.
required() { awk -v m="$1" '$1 == m {print $2; exit}' "$LAB_DIR/tools/go.mod"; }

# link_flags: an API server without them calls itself v0.0.0-master, which clients refuse; helm likewise.
link_flags() {
  local v p
  v=$(required k8s.io/kubernetes)
  IFS=. read -r _ minor _ <<< "$v"
  printf -- '-s -w'
  for p in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    printf -- ' -X %s.gitVersion=%s -X %s.gitMajor=1 -X %s.gitMinor=%s' "$p" "$v" "$p" "$p" "$minor"
    printf -- ' -X %s.gitCommit=%040d -X %s.gitTreeState=clean -X %s.buildDate=1970-01-01T00:00:00Z' "$p" 0 "$p" "$p"
  done
  printf -- ' -X helm.sh/helm/v4/internal/version.version=%s' "$(required helm.sh/helm/v4)"
}

# build PROGRAM MODULE-FOLDER PACKAGE: compiles it into $BIN unless it is there. With other flags than CGO_ENABLED=0 and
# -trimpath Go's cache would share nothing with the project's own static binaries.
build() {
  [ ! -x "$BIN/$1" ] || return 0
  step "building $1" env -C "$LAB_DIR/$2" CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "$(link_flags)" -o "$BIN/$1.new" "$3"
  mv "$BIN/$1.new" "$BIN/$1"
}

# install_control_plane: what envtest needs. No root.
install_control_plane() {
  mkdir -p "$BIN"
  exec 9> "$CACHE/.lock"
  flock 9 # two may want it at once
  build etcd etcd .
  build kubebox tools ./kubebox
  local name
  for name in "${KUBEBOX[@]}"; do ln -sfn kubebox "$BIN/$name"; done
  exec 9>&-
}

install_all() {
  # policy-rc.d may let apt start containerd: the lab runs its own, a service of the machine's would only be there.
  need_packages "${PACKAGES[@]}"
  install_control_plane
  exec 9> "$CACHE/.lock"
  flock 9
  build coredns tools ./coredns
  build helm tools helm.sh/helm/v4/cmd/helm
  touch "$CACHE/$HASH"
  find "$CACHE" -maxdepth 1 -regex '.*/[0-9a-f]+' -name '????????????' -mtime +14 -exec rm -r {} + # of sources long gone
  exec 9>&-
}
