# shellcheck shell=bash
# common.sh: where everything is, and what every verb needs. Sourced by ../lab, which sets LAB_DIR.

CACHE=${STEG_CACHE:-$HOME/.cache/steg}/lab
RUN=$CACHE/run

# hash_of FILE-OR-FOLDER...: twelve digits that change with any of them and with Go's version.
hash_of() {
  (cd "$LAB_DIR" && go env GOVERSION && find "$@" -type f -print0 | sort -z | xargs -0 sha256sum) | sha256sum | cut -c 1-12
}

HASH=$(hash_of tools etcd lib/install.sh)
BIN=$CACHE/$HASH/bin
IMAGES=$CACHE/$HASH/images
export RUN LAB_DIR # for what runs inside

say() { echo "lab: $*" >&2; }
die() { say "$*"; exit 1; }

# step NAME CMD...: runs it and says how long it took, and how much of a processor.
step() {
  local TIMEFORMAT="lab: $1: %R s, CPU %U + %S s"
  say "$1 ..."
  shift
  time "$@" >&2
}

# eventually SECONDS WHAT CMD...: tries the command until it succeeds; dies with WHAT and its last words.
eventually() {
  local seconds=$1 what=$2 out
  shift 2
  local end=$((SECONDS + seconds))
  until out=$("$@" 2>&1); do
    [ "$SECONDS" -lt "$end" ] || die "$what: not within $seconds s: $out"
    sleep 0.2
  done
}

# missing PACKAGE=PROGRAM...: the packages whose program isn't there.
missing() {
  local pair
  for pair; do
    PATH=$PATH:/usr/sbin:/sbin command -v "${pair#*=}" > /dev/null || [ -e "${pair#*=}" ] || echo "${pair%%=*}"
  done
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q && apt-get install -q -y --no-install-recommends "$@"
}

# need_packages PACKAGE=PROGRAM...: installs what is missing where it may, and says what to install where it may not.
need_packages() {
  local want
  mapfile -t want < <(missing "$@")
  [ ${#want[@]} -gt 0 ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then die "install these first: ${want[*]}"; fi
  step "packages ${want[*]}" apt_install "${want[@]}"
}
