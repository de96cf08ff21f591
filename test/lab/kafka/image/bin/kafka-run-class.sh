#!/bin/bash
# kafka-run-class.sh [-name N] [-loggc] [-daemon] CLASS ARG...
# Knows the variables that Kafka's script of this name knows: CLASSPATH, JAVA_HOME, LOG_DIR, JMX_PORT,
# KAFKA_HEAP_OPTS, KAFKA_JVM_PERFORMANCE_OPTS, KAFKA_GC_LOG_OPTS, KAFKA_JMX_OPTS, KAFKA_LOG4J_OPTS, KAFKA_OPTS.
home=$(dirname "$(dirname "$(readlink -f "$0")")")
name='' gc='' daemon=''
while :; do
  case ${1:-} in
  -name) name=$2; shift 2;;
  -loggc) gc=1; shift;;
  -daemon) daemon=1; shift;;
  *) break;;
  esac
done
[ $# -gt 0 ] || { echo "usage: $0 [-daemon] [-name NAME] [-loggc] CLASS [ARG...]" >&2; exit 1; }

classes=${CLASSPATH:-}
jars() { local LC_ALL=C; printf ':%s' "$home"/libs/*.jar; } # in this order, else the class archives do not fit
classes=$classes$(jars); classes=${classes#:}
logs=${LOG_DIR:-$home/logs}
log4j=${KAFKA_LOG4J_OPTS:-}
if [ -n "$log4j" ]; then mkdir -p "$logs" 2>/dev/null
elif [ -e "$home/config/tools-log4j2.yaml" ]; then log4j=-Dlog4j2.configurationFile=$home/config/tools-log4j2.yaml
else log4j=-Dlog4j.configuration=file:$home/config/tools-log4j.properties; fi
jmx=${KAFKA_JMX_OPTS:--Dcom.sun.management.jmxremote=true -Dcom.sun.management.jmxremote.authenticate=false -Dcom.sun.management.jmxremote.ssl=false}
if [ -n "${JMX_PORT:-}" ]; then
  jmx+=" -Dcom.sun.management.jmxremote.port=$JMX_PORT"
  [[ $jmx == *jmxremote.rmi.port=* ]] || jmx+=" -Dcom.sun.management.jmxremote.rmi.port=$JMX_PORT"
fi
gclog=${KAFKA_GC_LOG_OPTS:-}
[ -n "$gc" ] && [ -z "$gclog" ] && gclog="-Xlog:gc*:file=$logs/$name-gc.log:time,tags:filecount=10,filesize=100M"
perf=${KAFKA_JVM_PERFORMANCE_OPTS:--server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -XX:InitiatingHeapOccupancyPercent=35 -XX:+ExplicitGCInvokesConcurrent -Djava.awt.headless=true}
java=java; [ -n "${JAVA_HOME:-}" ] && java=$JAVA_HOME/bin/java
# shellcheck disable=SC2206 # each of them is a list of words
words=(${KAFKA_HEAP_OPTS:--Xmx256M} $perf $gclog $jmx "-Dkafka.logs.dir=$logs" $log4j -cp "$classes" ${KAFKA_OPTS:-})
if [ -n "$daemon" ]; then
  nohup "$java" "${words[@]}" "$@" > "$logs/$name.out" 2>&1 < /dev/null &
else
  exec "$java" "${words[@]}" "$@"
fi
