# shellcheck shell=bash
# images.sh: image archives. Those in $IMAGES are imported by every node before its kubelet starts.

# program NAME: one of ../cmd, built; prints its path. Go's cache makes this cheap when nothing has changed.
program() {
  mkdir -p "$CACHE/cmd"
  env -C "$LAB_DIR/cmd" CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$CACHE/cmd/" "./$1"
  echo "$CACHE/cmd/$1"
}

# image NAME:TAG CONTAINERFILE CONTEXT [FLAG...]: prints the archive's path. The flags are mkimage's (-platform, -arg).
image() {
  local name=$1 file=$2 context=$3 out
  shift 3
  out=$CACHE/archives/$(tr '/:' '__' <<< "$name").tar
  mkdir -p "$CACHE/archives"
  "$(program mkimage)" -t "$name" -o "$out" -f "$file" "$@" "$context" >&2
  echo "$out"
}

# lab_image NAME FILE...: localhost/NAME:1 of images/NAME and these files, into $IMAGES.
lab_image() {
  local name=$1 context
  shift
  context=$(mktemp -d)
  cp -a "$@" "$LAB_DIR/images/$name"/* "$context"
  mv "$(image "localhost/$name:1" "$context/Containerfile" "$context")" "$IMAGES/$name.tar"
  rm -r "$context"
}

# make_images: pause, without which there is no pod; box and admission for tests.
make_images() {
  local work applet
  work=$(mktemp -d)
  mkdir -p "$IMAGES" "$work/rootfs/bin" "$work/rootfs/tmp"
  gcc -Os -static -s -o "$work/pause" "$LAB_DIR/images/pause/pause.c"
  cp /bin/busybox "$work/rootfs/bin/"
  for applet in $(/bin/busybox --list); do
    [ "$applet" = busybox ] || ln -s busybox "$work/rootfs/bin/$applet"
  done
  lab_image pause "$work/pause"
  lab_image box "$work/rootfs"
  lab_image admission "$(program admission)"
  rm -r "$work"
}

# images: makes them unless they are there and their sources are as they were.
images() {
  local sources
  sources=$(hash_of images cmd lib/images.sh)
  [ "$(cat "$IMAGES/sources" 2> /dev/null)" != "$sources" ] || return 0
  step "images" make_images
  echo "$sources" > "$IMAGES/sources"
}
