//go:build envtest && kafka

package envtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
	"github.com/steg-kafka/steg/test/kafkarig"
)

// figuresPatience bounds each step.
const figuresPatience = 2 * time.Minute

// userFigures measures the controller against Apache Kafka.
type userFigures struct {
	*userOperator
	rig    *kafkarig.Rig
	admin  *kafkaadmin.Admin
	driver client.Client

	mu      sync.Mutex
	changed chan struct{} // closed at the next event
	ready   map[string]int64
}

// newUserFigures starts a broker with TLS, SCRAM and rights, and the controller on its listener for certificates.
func newUserFigures(t *testing.T) *userFigures {
	t.Helper()
	// By default the quorum's leader gathers changes for 25 ms: a right given, another taken and a quota would be three times that,
	// whoever asks. Clusters that the operator runs have 1.
	rig := kafkarig.New(t, kafkarig.Options{
		TLS: true, SASL: true, JVM: []string{"-XX:+UseG1GC"}, Config: map[string]string{"controller.quorum.append.linger.ms": "1"},
	})
	f := &userFigures{rig: rig, admin: kafkaadmin.New(rig.Client(t), kafkaadmin.Limits{}), changed: make(chan struct{}), ready: make(map[string]int64)}
	c, namespace := cluster(t)
	_, other := cluster(t)
	newUserKafka(t, c, namespace, rig.CA.PEM, fileContent(t, rig.Files.Admin.Cert), fileContent(t, rig.Files.Admin.Key), nil)
	f.userOperator = userControllers(t, c, namespace, other, userSetting{bootstrap: rig.Bootstrap(kafkarig.MTLS), interval: 2 * time.Minute})
	f.driver = driver(t)
	f.watch()
	return f
}

func fileContent(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// watch follows which KafkaUsers are Ready, and for which generation, by the operator's own cache: a watch of the test's own would
// be one more that the API server serves.
func (f *userFigures) watch() {
	f.t.Helper()
	informer, err := f.cache.GetInformer(f.t.Context(), &v1.KafkaUser{})
	if err != nil {
		f.t.Fatal(err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { f.saw(o, false) },
		UpdateFunc: func(_, o any) { f.saw(o, false) },
		DeleteFunc: func(o any) { f.saw(o, true) },
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// saw notes a KafkaUser as it is, or that it is gone.
func (f *userFigures) saw(o any, gone bool) {
	if last, ok := o.(toolscache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	cr, ok := o.(*v1.KafkaUser)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready[cr.Name] = 0
	if gone {
		delete(f.ready, cr.Name)
	} else if slices.ContainsFunc(cr.Status.Conditions, func(c v1.Condition) bool { return c.Type == v1.ConditionReady }) && cr.Status.ObservedGeneration == cr.Generation {
		f.ready[cr.Name] = cr.Generation
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// await waits until the KafkaUsers are as wanted.
func (f *userFigures) await(what string, is func(ready map[string]int64) bool) {
	f.t.Helper()
	late := time.After(figuresPatience)
	for {
		f.mu.Lock()
		done, changed := is(f.ready), f.changed
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-late:
			f.t.Fatalf("waited %s in vain: %s; last seen: %v", figuresPatience, what, f.generations())
		}
	}
}

// generations counts the KafkaUsers by the generation that they are Ready for; 0 is not Ready.
func (f *userFigures) generations() map[int64]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	count := make(map[int64]int)
	for _, g := range f.ready {
		count[g]++
	}
	return count
}

// each calls do for each of n numbers, sixteen at a time.
func (f *userFigures) each(n int, do func(ctx context.Context, i int) error) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), figuresPatience)
	defer cancel()
	numbers := make(chan int)
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for i := range numbers {
				if err := do(ctx, i); err != nil {
					f.t.Error(err)
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	group.Wait()
}

// withACLs is a KafkaUser with three rights.
func withACLs(namespace, name, authentication string) *v1.KafkaUser {
	cr := kafkaUser(namespace, name, authentication)
	cr.Spec.Authorization.ACLs = nil
	for _, on := range []v1.ACLResource{{Type: "topic", Name: name}, {Type: "group", Name: name}, {Type: "transactionalId", Name: name, PatternType: "prefix"}} {
		cr.Spec.Authorization.ACLs = append(cr.Spec.Authorization.ACLs, v1.ACLRule{Resource: on, Operations: []string{"Describe"}})
	}
	return cr
}

// created creates n KafkaUsers and returns how long it took until all were Ready.
func (f *userFigures) created(prefix, authentication string, n int) time.Duration {
	f.t.Helper()
	began := time.Now()
	f.each(n, func(ctx context.Context, i int) error {
		return f.driver.Create(ctx, withACLs(f.namespace, fmt.Sprintf("%s-%04d", prefix, i), authentication))
	})
	f.awaitReady(n, 1)
	return time.Since(began)
}

func (f *userFigures) awaitReady(n int, generation int64) {
	f.t.Helper()
	f.await(fmt.Sprintf("%d users Ready for generation %d", n, generation), func(ready map[string]int64) bool {
		good := 0
		for _, g := range ready {
			if g == generation {
				good++
			}
		}
		return good == n
	})
}

// changeOf replaces a right and sets three quotas.
func changeOf(cr *v1.KafkaUser, round int) {
	cr.Spec.Authorization.ACLs[0].Resource.Name = fmt.Sprintf("%s-%d", cr.Name, round)
	cr.Spec.Quotas = &v1.KafkaUserQuotas{ProducerByteRate: new(int64(1000 + round)), ConsumerByteRate: new(int64(2000)), RequestPercentage: new(int32(50))}
}

// changed changes n KafkaUsers and waits for all.
func (f *userFigures) allChanged(prefix string, n int) time.Duration {
	f.t.Helper()
	began := time.Now()
	f.each(n, func(ctx context.Context, i int) error {
		cr := withACLs(f.namespace, fmt.Sprintf("%s-%04d", prefix, i), "scram-sha-512")
		before := cr.DeepCopy()
		changeOf(cr, 0)
		return f.driver.Patch(ctx, cr, client.MergeFrom(before))
	})
	f.awaitReady(n, 2)
	return time.Since(began)
}

// deleted deletes n KafkaUsers and waits until neither the API server nor Kafka has anything of them.
func (f *userFigures) deleted(prefix string, n int) time.Duration {
	f.t.Helper()
	began := time.Now()
	f.each(n, func(ctx context.Context, i int) error {
		return f.driver.Delete(ctx, &v1.KafkaUser{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: fmt.Sprintf("%s-%04d", prefix, i)}})
	})
	f.await("users gone", func(ready map[string]int64) bool { return len(ready) == 0 })
	f.ledger()
	took := time.Since(began)
	if states := f.states(prefix, n); len(states) > 0 {
		f.t.Errorf("Kafka still knows %v", states)
	}
	for _, i := range []int{0, n / 2, n - 1} {
		f.without(f.namespace, fmt.Sprintf("%s-%04d", prefix, i))
	}
	return took
}

// states returns the users that Kafka knows something of.
func (f *userFigures) states(prefix string, n int) (known []string) {
	f.t.Helper()
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%04d", prefix, i))
	}
	states, err := f.admin.ReadUsers(deadline(f.t), all)
	if err != nil {
		f.t.Fatal(err)
	}
	for _, name := range all {
		if s := states[name]; !s.Empty() {
			known = append(known, name)
			if len(s.ACLs[name])+len(s.ACLs[user.CertificateName(name)]) != 3 {
				f.t.Errorf("%s has %v", name, s.ACLs)
			}
		}
	}
	return known
}

// alone is how long the same takes in Kafka alone: users with passwords and three rights made, and taken away.
func (f *userFigures) alone(n int) (made, gone time.Duration) {
	f.t.Helper()
	var all []user.Changes
	var all2 []string
	for i := range n {
		want, _, err := user.Desired(withACLs("x", fmt.Sprintf("alone-%04d", i), "scram-sha-512"), user.Options{})
		if err != nil {
			f.t.Fatal(err)
		}
		all, all2 = append(all, user.Diff(want, user.State{}, user.Credential{Password: "secret"})), append(all2, want.Name)
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), figuresPatience)
	defer cancel()
	apply := func(changes []user.Changes) time.Duration {
		began := time.Now()
		if failures := f.admin.ApplyUsers(ctx, changes); len(failures) > 0 {
			f.t.Fatal(failures)
		}
		return time.Since(began)
	}
	made = apply(all)
	states, err := f.admin.ReadUsers(ctx, all2)
	if err != nil {
		f.t.Fatal(err)
	}
	for i, name := range all2 {
		all[i] = user.Remove(name, states[name])
	}
	return made, apply(all)
}

// kubernetesAlone is how long the API server takes for what n users are to it, with nobody who looks after them: a KafkaUser, a
// Secret and a status each.
func (f *userFigures) kubernetesAlone(n int) time.Duration {
	f.t.Helper()
	_, namespace := cluster(f.t)
	began := time.Now()
	f.each(n, func(ctx context.Context, i int) error {
		cr := withACLs(namespace, fmt.Sprintf("alone-%04d", i), "scram-sha-512")
		if err := f.driver.Create(ctx, cr); err != nil {
			return err
		}
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: cr.Name, Labels: cr.Labels},
			Data:       map[string][]byte{user.KeyPassword: make([]byte, 32), user.KeyJAAS: make([]byte, 150)},
		}
		if err := f.driver.Create(ctx, secret); err != nil {
			return err
		}
		cr.Status = v1.KafkaUserStatus{Username: cr.Name, Secret: cr.Name}
		cr.Status.Conditions = []v1.Condition{{Type: v1.ConditionReady, Status: "True", LastTransitionTime: time.Now().UTC().Format(time.RFC3339)}}
		return f.driver.Status().Update(ctx, cr)
	})
	return time.Since(began)
}

// within fails if something took too long.
func (f *userFigures) within(most time.Duration, what string, took time.Duration) {
	f.t.Helper()
	f.t.Logf("%-60s %8.0f ms (at most %s)", what, float64(took.Microseconds())/1000, most)
	if took > most {
		f.t.Errorf("%s took %s: more than %s", what, took, most)
	}
}

// TestUserFigures: what users cost, beside what the same costs in Kafka alone.
func TestUserFigures(t *testing.T) {
	f := newUserFigures(t)
	f.created("warm", "scram-sha-512", 20)
	f.deleted("warm", 20)
	f.alone(100) // the broker is warm too
	for _, n := range []int{500, 1000} {
		before := processors(t)
		made, gone := f.alone(n)
		t.Logf("Kafka alone: %d users with a password and 3 rights made %d ms, taken away %d ms; %s", n, made.Milliseconds(), gone.Milliseconds(), usedSince(t, before))
	}
	before := processors(t)
	t.Logf("Kubernetes alone: 1000 KafkaUsers, Secrets and statuses: %s; %s", f.kubernetesAlone(1000), usedSince(t, before))
	before = processors(t)
	created, changed, deleted := f.created("half", "scram-sha-512", 500), f.allChanged("half", 500), f.deleted("half", 500)
	t.Logf("500 users created %s, changed %s, deleted %s; %s", created, changed, deleted, usedSince(t, before))
	f.within(8*time.Second, "500 users created, changed and deleted", created+changed+deleted)
	before = processors(t)
	created = f.created("full", "scram-sha-512", 1000)
	t.Logf("1000 users created: %s", usedSince(t, before))
	f.within(6*time.Second, "1000 users created", created)
	if known := f.states("full", 1000); len(known) != 1000 {
		t.Errorf("Kafka knows %d users", len(known))
	}
	f.oneByOne()
	f.atRest()
	t.Logf("1000 users deleted: %s", f.deleted("full", 1000))
	before = processors(t)
	t.Logf("1000 users with certificates created: %s; %s", f.created("cert", "tls", 1000), usedSince(t, before))
}

// oneByOne measures single changes while a thousand users are there.
func (f *userFigures) oneByOne() {
	f.t.Helper()
	f.settled()
	var all []time.Duration
	for i := range 60 {
		name := fmt.Sprintf("full-%04d", i*7)
		cr := withACLs(f.namespace, name, "scram-sha-512")
		before := cr.DeepCopy()
		changeOf(cr, i)
		began := time.Now()
		if err := f.driver.Patch(deadline(f.t), cr, client.MergeFrom(before)); err != nil {
			f.t.Fatal(err)
		}
		f.await("one change", func(ready map[string]int64) bool { return ready[name] == 2 })
		all = append(all, time.Since(began))
	}
	slices.Sort(all)
	f.t.Logf("one change while 1000 users are there: least %s, p90 %s, most %s", all[0], all[len(all)*9/10], all[len(all)-1])
	f.within(30*time.Millisecond, "one change while 1000 users are there, median", all[len(all)/2])
}

// atRest measures what the test's process, which is the operator and the driver, uses while nothing happens.
func (f *userFigures) atRest() {
	f.t.Helper()
	f.settled()
	f.asked.take()
	const rest = 20 * time.Second
	before := processors(f.t)["operator and driver"]
	<-time.After(rest) // nothing can be waited for: that nothing happens is what is measured
	f.t.Logf("at rest with 1000 users: %.1f ms/s, %d requests in %s", float64((processors(f.t)["operator and driver"]-before).Microseconds())/1000/rest.Seconds(), len(f.asked.take()), rest)
}

// TestUserSignsIn: the credentials of a KafkaUser's Secret are those that Apache Kafka takes, and its rights count.
func TestUserSignsIn(t *testing.T) {
	f := newUserFigures(t)
	f.newUser("my-app", "scram-sha-512", nil)
	f.userIs(f.namespace, "my-app", "Ready")
	secret := f.secretIs(f.namespace, "my-app", "with a password", func(s *corev1.Secret) bool { return len(s.Data) == 2 })
	signIn := func() error {
		cl, err := kgo.NewClient(kgo.SeedBrokers(f.rig.Addrs(kafkarig.SCRAM)...),
			kgo.SASL(scram.Auth{User: "my-app", Pass: string(secret.Data[user.KeyPassword])}.AsSha512Mechanism()))
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return cl.Ping(ctx)
	}
	if err := signIn(); err != nil {
		t.Error(err)
	}
	f.patch(kafkaUser(f.namespace, "my-app", ""), `{"metadata":{"labels":{"`+names.LabelCluster+`":"my-cluster"}},"spec":{"authentication":{"type":"tls"}}}`)
	f.userIs(f.namespace, "my-app", "Ready")
	until(t, "the password to be refused", func() (bool, string) {
		err := signIn()
		return err != nil, fmt.Sprint(err)
	})
}
