package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaadmin"
	"github.com/steg-kafka/steg/internal/operator/names"
	"github.com/steg-kafka/steg/internal/operator/user"
)

// userCluster is what is remembered of a cluster between two passes. Only the pass over it uses it. Losing it costs a look at
// each Secret, and that each password is set once more.
type userCluster struct {
	uid    types.UID // of the Kafka
	ledger ledger
	notes  map[client.ObjectKey]userNote
}

// userRound is one pass over KafkaUsers of one cluster.
type userRound struct {
	*users
	cluster  client.ObjectKey
	pass     pass
	began    time.Time
	kafka    *v1.Kafka // nil if there is none
	terms    userTerms
	state    *userCluster
	all      map[client.ObjectKey]*v1.KafkaUser // of the cluster; they are the cache's own and never changed
	subjects []*userSubject
	gone     []client.ObjectKey // asked for, or remembered, and not of the cluster any more
	mirrored map[client.ObjectKey][]mark
	away     error        // why nothing could be done in Kafka for anybody
	warned   atomic.Int32 // Events so far
}

// userSubject is a KafkaUser that a pass looks at.
type userSubject struct {
	cr         *v1.KafkaUser
	key        client.ObjectKey
	want       user.User // zero if err
	warnings   []user.Warning
	err        error
	again      bool // the error may go by itself: it is tried again soon
	rightsWait bool // everything but the rights is done: there is no authorizer yet
	paused     bool
	stale      bool // the cache is behind
	looks      bool // its Secret is looked at in this pass
	supplied   bool // and is as wanted: the rest counts
	noted      userNote
	data       map[string][]byte // of the Secret
	password   user.Password
	digest     [digestSize]byte // of the password
}

// work makes one pass: it reads what the users' meaning depends on, has package user decide, and writes.
func (u *users) work(ctx context.Context, cluster client.ObjectKey, p pass) (verdict, error) {
	r := &userRound{users: u, cluster: cluster, pass: p, began: u.Now()}
	if err := r.gather(ctx); err != nil {
		return verdict{}, err
	}
	r.count()
	if problem := r.judge(); problem == nil {
		r.carryOut(ctx)
	}
	r.forEach(ctx, r.subjects, r.mirror)
	r.leave(ctx)
	r.remember()
	if r.away != nil || p.All {
		return r.end(ctx), r.away
	}
	return verdict{Rest: r.end}, nil // while statuses are written, Kafka can have the next pass
}

// end writes what a pass came to.
func (r *userRound) end(ctx context.Context) verdict {
	r.forEach(ctx, r.subjects, r.report)
	return r.verdict()
}

// gather reads the Kafka and its KafkaUsers from the cache, and finds those that are to be looked at.
func (r *userRound) gather(ctx context.Context) error {
	kafka := &v1.Kafka{}
	if err := r.client.Get(ctx, r.cluster, kafka); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("read Kafka %s: %w", r.cluster.Name, err)
	} else if err == nil {
		r.kafka = kafka
	}
	r.state = r.stateOf(r.cluster, kafka)
	list := &v1.KafkaUserList{}
	err := r.client.List(ctx, list, client.MatchingLabels{names.LabelCluster: r.cluster.Name}, client.UnsafeDisableDeepCopy)
	if r.cluster.Name == "" {
		err = r.client.List(ctx, list, client.InNamespace(r.cluster.Namespace), client.UnsafeDisableDeepCopy)
	}
	if err != nil {
		return fmt.Errorf("list KafkaUsers: %w", err)
	}
	r.all = make(map[client.ObjectKey]*v1.KafkaUser, len(list.Items))
	for i := range list.Items {
		if cr := &list.Items[i]; cr.DeletionTimestamp == nil && r.home(cr) == r.cluster {
			r.all[client.ObjectKeyFromObject(cr)] = cr
		}
	}
	if r.mirrored, err = r.marked(ctx); err != nil {
		return err
	}
	r.choose()
	return nil
}

// choose fills subjects and gone. A KafkaUser that goes may have kept a namesake from being one: that is looked at too.
func (r *userRound) choose() {
	chosen := make(map[client.ObjectKey]bool, len(r.pass.Keys))
	take := func(key client.ObjectKey) {
		if cr := r.all[key]; cr != nil && !chosen[key] {
			chosen[key] = true
			r.subjects = append(r.subjects, &userSubject{cr: cr, key: key, paused: user.Paused(cr)})
		}
	}
	left := make(map[string]bool)
	leave := func(key client.ObjectKey) {
		if r.all[key] == nil && !chosen[key] {
			chosen[key], left[key.Name] = true, true
			r.gone = append(r.gone, key)
		}
	}
	for _, key := range r.pass.Keys {
		take(key)
		leave(key)
	}
	if r.pass.All {
		for key := range r.state.notes {
			leave(key)
		}
	}
	for key := range r.all {
		if r.pass.All || left[key.Name] {
			take(key)
		}
	}
}

// count notes the pass in the metrics.
func (r *userRound) count() {
	for _, s := range r.subjects {
		r.Metrics.begin(names.KindKafkaUser, s.key, r.pass.Timed)
	}
}

// judge finds what each KafkaUser wants, or why it can't be had. It returns why nothing can be done for any of them.
func (r *userRound) judge() error {
	terms, problem := termsOf(r.cluster, r.kafka)
	r.terms = terms
	owners := user.Owners(r.claims())
	for _, s := range r.subjects {
		if s.paused {
			continue
		}
		if problem != nil {
			s.err = problem
			continue
		}
		if owner := owners[s.key.Name]; owner.Namespace != s.key.Namespace {
			s.err = user.Conflict(owner)
			continue
		}
		s.want, s.warnings, s.err = user.Desired(s.cr, terms.options)
	}
	return problem
}

// claims are those of the subjects and of their namesakes.
func (r *userRound) claims() []user.Claim {
	asked := make(map[string]bool, len(r.subjects))
	for _, s := range r.subjects {
		asked[s.key.Name] = true
	}
	claims := make([]user.Claim, 0, len(r.subjects))
	for key, cr := range r.all {
		if asked[key.Name] {
			claims = append(claims, user.Claim{Namespace: key.Namespace, Name: key.Name, Created: cr.CreationTimestamp.Time})
		}
	}
	return claims
}

// carryOut makes Secrets and Kafka be as wanted. Nothing is done in Kafka for a user whose Secret could not be made.
func (r *userRound) carryOut(ctx context.Context) {
	orphans, err := r.mark(ctx)
	if err != nil {
		r.away = err
		r.fail(err)
		return
	}
	asked := slices.Clone(orphans)
	for _, s := range r.subjects {
		if s.serves() {
			asked = append(asked, s.key.Name)
		}
	}
	if len(asked) == 0 {
		return
	}
	var (
		states map[string]user.State
		read   sync.WaitGroup
	)
	read.Go(func() { // while the Secrets are made
		r.away = r.Clusters.Use(ctx, r.cluster, func(ctx context.Context, a *kafkaadmin.Admin) (err error) {
			states, err = a.ReadUsers(ctx, asked)
			return err
		})
	})
	r.supply(ctx)
	read.Wait()
	if r.away != nil {
		r.fail(unreachable(r.cluster, r.away))
		return
	}
	r.apply(ctx, states, orphans)
}

// serves reports whether there is something to be done for a subject.
func (s *userSubject) serves() bool { return s.err == nil && !s.paused }

// fail gives everybody who has no error of his own this one.
func (r *userRound) fail(err error) {
	for _, s := range r.subjects {
		if s.serves() {
			s.err = err
		}
	}
}

// unreachable says that Kafka could not be asked.
func unreachable(cluster client.ObjectKey, err error) error {
	return user.Problem{Reason: user.ReasonKafka, Message: fmt.Sprintf("the Kafka cluster %s can't be asked: %v", cluster.Name, err)}
}

// apply changes Kafka, and takes out of the ledger who is gone from it.
func (r *userRound) apply(ctx context.Context, states map[string]user.State, orphans []string) {
	var changes []user.Changes
	for _, s := range r.subjects {
		if !s.serves() {
			continue
		}
		c := user.Diff(s.want, states[s.key.Name], r.credential(s))
		if c.SetPassword != nil && !s.looks { // somebody took the password away: it is in the Secret
			r.forget(s.key)
			s.again, c.SetPassword = true, nil
		}
		if !c.Empty() {
			changes = append(changes, c)
		}
	}
	for _, name := range orphans {
		if c := user.Remove(name, states[name]); !c.Empty() {
			changes = append(changes, c)
		}
	}
	failures, err := r.change(ctx, changes)
	if err != nil {
		r.away = err
		r.fail(unreachable(r.cluster, err))
		return
	}
	for _, s := range r.subjects {
		if !s.serves() {
			continue
		}
		switch err := failures[s.key.Name]; {
		case err != nil:
			s.err, s.again = user.Problem{Reason: user.ReasonKafka, Message: err.Error()}, true
		case states[s.key.Name].NoACLs && len(s.want.ACLs) > 0: // brokers are rolled to get an authorizer
			s.err, s.again = user.Problem{Reason: user.ReasonKafka, Message: "Kafka checks no rights yet: they are given when it does"}, true
			s.rightsWait = true
		}
	}
	r.unmark(ctx, slices.DeleteFunc(orphans, func(name string) bool { return failures[name] != nil }))
	r.tell(changes, failures)
}

// change carries changes out, and returns what went wrong by the users' names. The error says that Kafka could not be asked.
func (r *userRound) change(ctx context.Context, changes []user.Changes) (failures map[string]error, err error) {
	if len(changes) == 0 {
		return nil, nil
	}
	err = r.Clusters.Use(ctx, r.cluster, func(ctx context.Context, a *kafkaadmin.Admin) error {
		failures = a.ApplyUsers(ctx, changes)
		if len(failures) == len(changes) {
			return failures[changes[0].Name] // the connection is in doubt
		}
		return nil
	})
	if failures != nil {
		return failures, nil
	}
	return nil, err
}

// maxToldUsers is how many users one pass logs one by one.
const maxToldUsers = 10

// tell logs what was changed in Kafka. Failures are in the statuses too.
func (r *userRound) tell(changes []user.Changes, failures map[string]error) {
	for _, c := range changes[:min(len(changes), maxToldUsers)] {
		if failures[c.Name] == nil {
			r.Log.Info("changed in Kafka", "cluster", r.cluster.String(), "change", c.String())
		}
	}
	if more := len(changes) - maxToldUsers; more > 0 {
		r.Log.Info("changed in Kafka", "cluster", r.cluster.String(), "more", more, "failed", len(failures))
	}
}

// forEach calls do for each of some things, a few at once, and returns when all calls have.
func (u *users) forEach(ctx context.Context, all []*userSubject, do func(context.Context, *userSubject)) {
	var group sync.WaitGroup
	next := make(chan *userSubject)
	for range min(userRequests, len(all)) {
		group.Go(func() {
			for s := range next {
				do(ctx, s)
			}
		})
	}
	for _, s := range all {
		next <- s
	}
	close(next)
	group.Wait()
}

// verdict says when which users are looked at again.
func (r *userRound) verdict() verdict {
	v := verdict{Later: make(map[client.ObjectKey]time.Duration), All: r.interval()}
	for _, s := range r.subjects {
		var p user.Problem
		switch {
		case s.stale:
			v.Later[s.key] = conflictInterval
		case s.again:
			v.Failed = append(v.Failed, s.key)
		case s.err == nil:
		case errors.As(s.err, &p) && p.Reason == user.ReasonMissing && r.kafka != nil:
			v.Later[s.key] = missingInterval
		case !errors.As(s.err, &p):
			v.Failed = append(v.Failed, s.key)
		}
	}
	return v
}

// interval is the time between two looks at all users.
func (r *userRound) interval() time.Duration {
	if r.kafka == nil {
		return 0 // its coming is an event
	}
	if e := r.kafka.Spec.EntityOperator; e != nil && e.UserOperator != nil {
		switch o := e.UserOperator; {
		case o.ReconciliationIntervalMs != nil && *o.ReconciliationIntervalMs > 0:
			return max(time.Duration(*o.ReconciliationIntervalMs)*time.Millisecond, time.Second)
		case o.ReconciliationIntervalSeconds != nil && *o.ReconciliationIntervalSeconds > 0:
			return time.Duration(*o.ReconciliationIntervalSeconds) * time.Second
		}
	}
	return r.Interval
}
