//go:build envtest && kafka

package envtest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/controller"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/topic"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// What KafkaTopics may take, on a machine of two cores that the operator shares with Kafka, the API server, etcd and the test.
const (
	topics250     = 4 * time.Second // 250 created, then changed, then deleted: the sum
	topics1000    = 5 * time.Second // 1,000 created at once
	topicChange   = 30 * time.Millisecond
	topicIdle     = 5.0 // milliseconds of CPU each second, with 1,000 present
	topicWatchers = 16  // requests of the test that are under way together
)

// topicReal starts a Kafka with the listener that the operator connects to.
func topicReal(t *testing.T, o kafkarig.Options) (*kafkarig.Rig, topicBrokers) {
	t.Helper()
	o.TLS = true
	o.Config = map[string]string{"controller.quorum.append.linger.ms": "1"} // as the operator's own clusters have it
	r := kafkarig.New(t, o)
	return r, topicBrokers{bootstrap: r.Bootstrap(kafkarig.MTLS), ca: r.CA, admin: kafkaadmin.New(r.Client(t), kafkaadmin.Limits{})}
}

// topicCrowd is many KafkaTopics, watched.
type topicCrowd struct {
	*controlled
	names  []string
	driver client.Client

	mu    sync.Mutex
	ready map[string]int64 // the generation that was Ready last
	moved chan struct{}
}

// watchTopics follows the KafkaTopics of a namespace by the operator's own cache: a watch of the test's own would be one more that
// the API server serves.
func watchTopics(t *testing.T, c *controlled) *topicCrowd {
	t.Helper()
	all := &topicCrowd{controlled: c, driver: driver(t), ready: make(map[string]int64), moved: make(chan struct{}, 1)}
	informer, err := c.cache.GetInformer(t.Context(), &v1.KafkaTopic{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { all.see(o, true) },
		UpdateFunc: func(_, o any) { all.see(o, true) },
		DeleteFunc: func(o any) { all.see(o, false) },
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// see notes what a KafkaTopic has become.
func (c *topicCrowd) see(o any, there bool) {
	if last, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	cr, ok := o.(*v1.KafkaTopic)
	if !ok {
		return
	}
	c.mu.Lock()
	switch {
	case !there:
		delete(c.ready, cr.Name)
	case topicSays(cr) == "Ready=True":
		c.ready[cr.Name] = cr.Status.ObservedGeneration
	}
	c.mu.Unlock()
	select {
	case c.moved <- struct{}{}:
	default:
	}
}

// each makes a request for each of the names, several at a time, and returns when the condition holds for all of them.
func (c *topicCrowd) each(what string, request func(context.Context, client.Client, string) error, done func(generation int64, there bool) bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	go eachOf(topicWatchers, c.names, func(name string) {
		if err := request(c.t.Context(), c.driver, name); err != nil {
			c.t.Error(what, name, err)
		}
	})
	deadline := time.After(figuresPatience)
	for {
		c.mu.Lock()
		left := 0
		for _, name := range c.names {
			if generation, there := c.ready[name]; !done(generation, there) {
				left++
			}
		}
		c.mu.Unlock()
		if left == 0 {
			return time.Since(began)
		}
		select {
		case <-c.moved:
		case <-deadline:
			c.t.Fatalf("%s: %d of %d are left", what, left, len(c.names))
		}
	}
}

func (c *topicCrowd) create() time.Duration {
	c.t.Helper()
	return c.each("create", func(ctx context.Context, driver client.Client, name string) error {
		cr := topicOf(name, 1, 1, "retention.ms=3600000 cleanup.policy=delete")
		cr.Namespace = c.namespace
		return driver.Create(ctx, cr)
	}, func(generation int64, there bool) bool { return there && generation == 1 })
}

func (c *topicCrowd) change() time.Duration {
	c.t.Helper()
	return c.each("change", func(ctx context.Context, driver client.Client, name string) error {
		return driver.Patch(ctx, c.named(name), client.RawPatch("application/merge-patch+json",
			[]byte(`{"spec":{"config":{"retention.ms":7200000,"segment.ms":600000,"max.message.bytes":100000}}}`)))
	}, func(generation int64, _ bool) bool { return generation == 2 })
}

func (c *topicCrowd) remove() time.Duration {
	c.t.Helper()
	return c.each("delete", func(ctx context.Context, driver client.Client, name string) error {
		return driver.Delete(ctx, c.named(name))
	}, func(_ int64, there bool) bool { return !there })
}

func (c *topicCrowd) named(name string) *v1.KafkaTopic {
	return &v1.KafkaTopic{ObjectMeta: metav1.ObjectMeta{Namespace: c.namespace, Name: name}}
}

func topicNames(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s-%04d", prefix, i)
	}
	return all
}

// alone does with Kafka what the operator does, without the operator: the least that it can take.
func (k topicBrokers) alone(t *testing.T, names []string) (created, changed, deleted time.Duration) {
	t.Helper()
	var creates, alters, deletes []topic.Changes
	for _, name := range names {
		creates = append(creates, topic.Changes{Name: name, Create: &topic.Topic{
			Name: name, Partitions: 1, Replicas: 1, Config: map[string]string{"retention.ms": "3600000", "cleanup.policy": "delete"},
		}})
		alters = append(alters, topic.Changes{Name: name, Set: map[string]string{
			"retention.ms": "7200000", "segment.ms": "600000", "max.message.bytes": "100000",
		}})
		deletes = append(deletes, topic.Delete(name))
	}
	shown := func(there bool) {
		until(t, "the broker to show it", func() (bool, string) {
			read, err := k.admin.ReadTopics(deadline(t), names)
			return err == nil && (len(read.States) == len(names)) == there && (there || len(read.States) == 0), fmt.Sprint(len(read.States), err)
		})
	}
	began := time.Now()
	k.apply(t, creates...)
	shown(true)
	created, began = time.Since(began), time.Now()
	k.apply(t, alters...)
	changed, began = time.Since(began), time.Now()
	k.apply(t, deletes...)
	shown(false)
	return created, changed, time.Since(began)
}

// kubernetesAlone writes what KafkaTopics are to the API server, with nobody who looks after them: themselves and their statuses.
func kubernetesAlone(t *testing.T, driver client.Client, names []string) time.Duration {
	t.Helper()
	_, namespace := cluster(t)
	began := time.Now()
	eachOf(topicWatchers, names, func(name string) {
		cr := topicOf(name, 1, 1, "retention.ms=3600000 cleanup.policy=delete")
		cr.Namespace = namespace
		if err := driver.Create(t.Context(), cr); err != nil {
			t.Error(err)
			return
		}
		cr.Status = v1.KafkaTopicStatus{TopicName: name, TopicID: "abcdefghijklmnopqrstuv"}
		cr.Status.ObservedGeneration = 1
		cr.Status.Conditions = []v1.Condition{{Type: v1.ConditionReady, Status: "True", LastTransitionTime: time.Now().UTC().Format(time.RFC3339)}}
		if err := driver.Status().Update(t.Context(), cr); err != nil {
			t.Error(err)
		}
	})
	return time.Since(began)
}

// eachOf calls do for each of the names, some of them at a time.
func eachOf(most int, names []string, do func(string)) {
	queue := make(chan string)
	var workers sync.WaitGroup
	for range most {
		workers.Go(func() {
			for name := range queue {
				do(name)
			}
		})
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	workers.Wait()
}

// cpu is the time that this process has used.
func topicCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// programs is the CPU time that each of the programs which take part has used: unlike the time on the clock it does not depend on what
// else the machine does.
func programs(t *testing.T) map[string]time.Duration {
	t.Helper()
	used := map[string]time.Duration{"operator and test": topicCPU(t)}
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range all {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		name, rest, _ := strings.Cut(string(text), ") ")
		_, name, _ = strings.Cut(name, "(")
		fields := strings.Fields(rest) // from the third of proc(5) on
		if len(fields) < 13 || fields[1] != strconv.Itoa(os.Getpid()) {
			continue
		}
		user, userErr := strconv.Atoi(fields[11])
		system, systemErr := strconv.Atoi(fields[12])
		if userErr != nil || systemErr != nil {
			t.Fatal(file, userErr, systemErr)
		}
		used[name] += time.Duration(user+system) * 10 * time.Millisecond
	}
	return used
}

// during returns what the programs use while something is done, as text, and the sum.
func during(t *testing.T, do func()) string {
	t.Helper()
	before := programs(t)
	do()
	var parts []string
	var sum time.Duration
	after := programs(t)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		used := after[name] - before[name]
		sum += used
		parts = append(parts, fmt.Sprintf("%s %v", name, used.Round(10*time.Millisecond)))
	}
	return fmt.Sprintf("CPU %v (%s)", sum.Round(10*time.Millisecond), strings.Join(parts, ", "))
}

// TestTopicFigures measures KafkaTopics in front of a real Kafka, beside what Kafka alone takes for the same.
func TestTopicFigures(t *testing.T) {
	admin, namespace := cluster(t)
	_, k := topicReal(t, kafkarig.Options{JVM: []string{"-XX:+UseG1GC"}})
	c := topicControllers(t, admin, namespace, k, func(o *controller.TopicOptions) { o.Interval = 120 * time.Second })
	newTopicKafka(t, admin, namespace, "my-cluster", k, nil)
	finalizerPolicy(t, admin, namespace)
	all := watchTopics(t, c)
	all.names = topicNames("warm", 20)
	all.create()
	all.change()
	all.remove()
	k.alone(t, topicNames("warm-alone", 50))

	created, changed, deleted := k.alone(t, topicNames("alone", 250))
	t.Logf("Kafka alone: 250 created in %v, changed in %v, deleted in %v: %v", topicTime(created), topicTime(changed), topicTime(deleted), topicTime(created+changed+deleted))
	all.names = topicNames("some", 250)
	c.asked.take()
	var one, two, three time.Duration
	used := during(t, func() { one, two, three = all.create(), all.change(), all.remove() })
	t.Logf("250 KafkaTopics created in %v, changed in %v, deleted in %v: %v, with %d requests; %s",
		topicTime(one), topicTime(two), topicTime(three), topicTime(one+two+three), len(c.asked.take()), used)
	if sum := one + two + three; sum > topics250 {
		t.Errorf("250 KafkaTopics took %v, more than %v", sum, topics250)
	}

	used = during(t, func() { created, changed, deleted = k.alone(t, topicNames("alone-again", 1000)) })
	t.Logf("Kafka alone: 1,000 created in %v, changed in %v, deleted in %v; %s", topicTime(created), topicTime(changed), topicTime(deleted), used)
	used = during(t, func() { created = kubernetesAlone(t, all.driver, topicNames("without", 1000)) })
	t.Logf("Kubernetes alone: 1,000 KafkaTopics and their statuses written in %v; %s", topicTime(created), used)
	all.names = topicNames("many", 1000)
	var took time.Duration
	used = during(t, func() { took = all.create() })
	t.Logf("1,000 KafkaTopics created in %v, with %d requests; %s", topicTime(took), len(c.asked.take()), used)
	if took > topics1000 {
		t.Errorf("1,000 KafkaTopics took %v, more than %v", took, topics1000)
	}
	all.oneChange()
	all.idle()
	used = during(t, func() { took = all.remove() })
	t.Logf("1,000 KafkaTopics deleted in %v; %s", topicTime(took), used)
}

func topicTime(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// oneChange measures one change at a time while many KafkaTopics are there.
func (c *topicCrowd) oneChange() {
	c.t.Helper()
	everyone := c.names
	defer func() { c.names = everyone }()
	var took []time.Duration
	for i := range 31 {
		name := everyone[i*7]
		c.names = []string{name}
		took = append(took, c.each("one change", func(ctx context.Context, driver client.Client, name string) error {
			return driver.Patch(ctx, c.named(name), client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"config":{"retention.ms":123456}}}`)))
		}, func(generation int64, _ bool) bool { return generation == 2 }))
		time.Sleep(20 * time.Millisecond) // one at a time, to an operator at rest
	}
	slices.Sort(took)
	c.t.Logf("one change: median %v, 90 %% within %v, longest %v", topicTime(took[len(took)/2]), topicTime(took[len(took)*9/10]), topicTime(took[len(took)-1]))
	if median := took[len(took)/2]; median > topicChange {
		c.t.Errorf("one change takes %v, more than %v", median, topicChange)
	}
}

// idle measures what it costs that many KafkaTopics are there, and that all are looked at once in two minutes.
func (c *topicCrowd) idle() {
	c.t.Helper()
	kafka := &v1.Kafka{}
	if err := c.read("my-cluster", kafka); err != nil {
		c.t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // what was written comes back as events
	c.asked.take()
	const quiet = 10 * time.Second
	before := topicCPU(c.t)
	time.Sleep(quiet)
	rest := topicCPU(c.t) - before
	asked := c.asked.take()
	c.patch(kafka, `{"spec":{"entityOperator":{"topicOperator":{"reconciliationIntervalMs":1000}}}}`)
	passes := c.metric("strimzi_reconciliations_periodical_total")
	before, began := topicCPU(c.t), time.Now()
	time.Sleep(quiet)
	swept := topicCPU(c.t) - before - rest*time.Since(began)/quiet
	sweeps := (c.metric("strimzi_reconciliations_periodical_total") - passes) / float64(len(c.names))
	one := time.Duration(float64(swept) / sweeps)
	each := (rest.Seconds()/quiet.Seconds() + one.Seconds()/120) * 1000
	c.t.Logf("at rest with %d KafkaTopics: %v of CPU in %v, %v for a look at all of them (%.1f seen): %.2f ms each second at one look in 120 s; requests to the API server: %d; while all are looked at: %d",
		len(c.names), topicTime(rest), quiet, topicTime(one), sweeps, each, len(asked), len(c.asked.take()))
	if each > topicIdle {
		c.t.Errorf("%.2f ms of CPU each second at rest", each)
	}
	if len(asked) > 0 {
		c.t.Errorf("at rest it asks the API server: %s", strings.Join(asked, ", "))
	}
}
