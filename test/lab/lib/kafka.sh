# shellcheck shell=bash
# kafka.sh: Apache Kafka in the lab: the image, and three brokers of it.

JDK=${JDK:-/usr/lib/jvm/java-17-openjdk-$(dpkg --print-architecture 2> /dev/null || true)}
export JDK

KAFKA_PACKAGES=(openjdk-17-jdk-headless="$JDK/bin/jlink" maven=mvn unzip=unzip)

# kafka_jars VERSION: a folder with the jars of a broker and of the command line tools. The broker's are those that the
# tests on a real Kafka have in their cache. They have all that the tools need, but for Connect's own, which are left out
# with Connect.
kafka_jars() {
  local version=$1 cache=${CACHE%/lab}/kafka/$1 out=$CACHE/kafka/jars-$1 work
  if [ ! -e "$out/.done" ]; then
    [ -e "$cache/core/.done" ] || (cd "$LAB_DIR/../.." && go run ./test/kafkarig/cmd/kafkarig prepare -version "$version" >&2)
    work=$(mktemp -d)
    cat > "$work/pom.xml" << Y
<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>lab</groupId><artifactId>tools</artifactId><version>1</version><packaging>pom</packaging><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
</dependencies></project>
Y
    rm -rf "$out"
    mkdir -p "$out"
    mvn -q -B -f "$work/pom.xml" dependency:copy-dependencies -DexcludeTransitive=true -DoutputDirectory="$out" >&2
    cp "$cache"/core/*.jar "$out/"
    rm -r "$work"
    touch "$out/.done"
  fi
  echo "$out"
}

# make_kafka_image VERSION ARCHIVE
make_kafka_image() {
  local context java jars
  java=$(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$JDK/release")
  context=$CACHE/kafka/$(hash_of kafka/image)-$java
  mkdir -p "$context"
  jars=$(kafka_jars "$1")
  "$LAB_DIR/kafka/image/build.sh" "$1" "$jars" "$context"
  mv "$(image "docker.io/apache/kafka:$1" "$LAB_DIR/kafka/image/Containerfile" "$context" -arg "JAVA=$java")" "$2"
  rm "$context/kafka.tar"
}

# kafka_image VERSION: prints the archive's path.
kafka_image() {
  local out
  [[ ${1:-} =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "kafka-image: say a version such as 4.3.1"
  out=$CACHE/kafka/kafka-$1-$(hash_of kafka/image cmd/mkimage lib/kafka.sh).tar
  if [ ! -e "$out" ]; then
    need_packages "${PACKAGES[@]}" "${KAFKA_PACKAGES[@]}"
    rm -f "$CACHE/kafka/kafka-$1-"*.tar # of older sources
    step "image of Kafka $1" make_kafka_image "$1" "$out"
  fi
  echo "$out"
}

# kafka up|down [NAMESPACE] [--version VERSION]
kafka() {
  local verb=${1:-} namespace=kafka version=4.3.1
  shift || true
  while [ $# -gt 0 ]; do
    case $1 in
    --version)
      version=${2:-}
      shift
      ;;
    -*) die "kafka: no flag $1" ;;
    *) namespace=$1 ;;
    esac
    shift
  done
  need_cluster
  case $verb in
  up) kafka_up "$namespace" "$version" ;;
  down) step "end of Kafka" kafka_down "$namespace" ;;
  *) die "kafka: say up or down" ;;
  esac
}

# kafka_up NAMESPACE VERSION
kafka_up() {
  local archive
  archive=$(kafka_image "$2")
  step "import of Kafka's image" load "$archive"
  step "three brokers" kafka_brokers "$1" "$2"
  step "rights of my-app and my-scram" kafka_rights "$1"
}

# kafka_brokers NAMESPACE VERSION: those that are there stay as they are, with their certificates.
kafka_brokers() {
  local yaml
  if ! k -n "$1" get statefulset my-cluster-kafka > /dev/null 2>&1; then
    yaml=$(program kafkayaml)
    k create namespace "$1" --dry-run=client -o yaml | k apply -f -
    "$yaml" -namespace "$1" -version "$2" | k -n "$1" apply -f -
  fi
  k -n "$1" rollout status statefulset/my-cluster-kafka --timeout 180s
}

# kafka_rights NAMESPACE: both users may do everything with topics and groups whose names begin with my-.
kafka_rights() {
  k -n "$1" exec my-cluster-kafka-0 -- env KAFKA_HEAP_OPTS=-Xmx96m /opt/kafka/bin/kafka-acls.sh --bootstrap-server localhost:9092 \
    --add --allow-principal User:CN=my-app --allow-principal User:my-scram --operation All \
    --topic my- --group my- --resource-pattern-type prefixed
}

# kafka_down NAMESPACE: with the data.
kafka_down() {
  k -n "$1" delete statefulset,service,configmap,secret,pod,persistentvolumeclaim -l lab.steg.dev/kafka=my-cluster --timeout 60s
}
