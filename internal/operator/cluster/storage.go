package cluster

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/kafkaconf"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// storages gives each pool its volumes and each node its directories and claims.
func (b *builder) storages() {
	for i, p := range b.pools {
		out := &b.out.Pools[i]
		b.checkStorage(p.field("spec.storage"), p.storage)
		out.Storage = b.carriedOut(p)
		out.Volumes = volumesOf(out.Storage)
		if len(out.Volumes) == 0 {
			continue // refused
		}
		metadata := metadataVolume(out.Volumes)
		for j := range out.Nodes {
			n := &out.Nodes[j]
			var dirs []string
			for _, v := range out.Volumes {
				dirs = append(dirs, logDir(v, n.ID))
				if v.Claim {
					n.Claims = append(n.Claims, b.claim(p, v, *n))
				}
			}
			n.Config["log.dirs"] = strings.Join(dirs, ",")
			n.Config["metadata.log.dir"] = logDir(metadata, n.ID)
		}
		b.severalDirs(p, out.Volumes)
	}
}

// logDir is where a node has its records on a volume. The id in it keeps a node from taking another one's for its own.
func logDir(v Volume, id int32) string { return path.Join(v.Path, "kafka-log"+decimal(id)) }

// checkStorage refuses what the schema can't, and what it would have refused, for those who call without a schema.
func (b *builder) checkStorage(field string, s v1.Storage) {
	switch s.Type {
	case v1.StorageEphemeral, v1.StoragePersistentClaim:
		b.checkVolume(field, s.Type, s.StorageSettings)
		if len(s.Volumes) > 0 {
			b.NoEffect(field+".volumes", "they are for type jbod")
		}
		if s.ID != nil {
			b.NoEffect(field+".id", "there is one volume")
		}
	case v1.StorageJBOD:
		b.checkJBOD(field, s.Volumes)
		b.noEffects(field, given(s.StorageSettings), "of type jbod the volumes say it")
		if s.ID != nil {
			b.NoEffect(field+".id", "of type jbod the volumes say it")
		}
	default:
		b.Invalid(field+".type", "%q is not one of ephemeral, persistent-claim and jbod", s.Type)
	}
}

// checkJBOD checks several volumes.
func (b *builder) checkJBOD(field string, volumes []v1.JBODVolume) {
	if len(volumes) == 0 {
		b.Invalid(field+".volumes", "is missing: storage of type jbod needs at least one volume")
	}
	seen, shared := map[int32]bool{}, 0
	for i, v := range volumes {
		at := fmt.Sprintf("%s.volumes[%d]", field, i)
		if seen[v.ID] {
			b.Invalid(at+".id", "%d is there twice: each volume needs an id of its own", v.ID)
		}
		seen[v.ID] = true
		if v.ID < 0 {
			b.Invalid(at+".id", "%d is negative", v.ID)
		}
		if v.KraftMetadata == v1.KraftMetadataShared {
			shared++
		}
		if v.Type != v1.StorageEphemeral && v.Type != v1.StoragePersistentClaim {
			b.Invalid(at+".type", "%q is not one of ephemeral and persistent-claim", v.Type)
		}
		b.checkVolume(at, v.Type, v.StorageSettings)
	}
	if shared > 1 {
		b.Invalid(field+".volumes", "%d have kraftMetadata: shared, and the metadata are on one: keep one", shared)
	}
}

// checkVolume checks one volume.
func (b *builder) checkVolume(field, kind string, s v1.StorageSettings) {
	if k := s.KraftMetadata; k != "" && k != v1.KraftMetadataShared {
		b.Invalid(field+".kraftMetadata", "%q is not shared", k)
	}
	if kind == v1.StorageEphemeral {
		if s.SizeLimit != nil && s.SizeLimit.Sign() <= 0 {
			b.Invalid(field+".sizeLimit", "%s is not more than 0", s.SizeLimit)
		}
		b.noEffects(field, given(v1.StorageSettings{
			Size: s.Size, Class: s.Class, Selector: s.Selector, DeleteClaim: s.DeleteClaim,
			VolumeAttributesClass: s.VolumeAttributesClass, Overrides: s.Overrides,
		}), "an ephemeral volume has a sizeLimit only")
		return
	}
	if s.SizeLimit != nil {
		b.NoEffect(field+".sizeLimit", "a persistent-claim has a size")
	}
	switch {
	case s.Size == nil:
		b.Invalid(field+".size", "is missing: write the size of each node's volume, such as 10Gi")
	case s.Size.Sign() <= 0:
		b.Invalid(field+".size", "%s is not more than 0", s.Size)
	}
	if len(s.Overrides) > 0 {
		b.Warn(reasonDeprecated, "%s.overrides is deprecated: a KafkaNodePool for each storage class says the same", field)
	}
}

// volumesOf are the volumes of a storage, by id.
func volumesOf(s v1.Storage) []Volume {
	switch s.Type {
	case v1.StorageEphemeral, v1.StoragePersistentClaim:
		return []Volume{{
			Name: names.VolumeData, Path: names.DirData + "/" + names.VolumeData, Claim: s.Type == v1.StoragePersistentClaim, Settings: s.StorageSettings,
		}}
	}
	sorted := slices.Clone(s.Volumes)
	slices.SortStableFunc(sorted, func(x, y v1.JBODVolume) int { return cmp.Compare(x.ID, y.ID) })
	var out []Volume
	for _, v := range sorted {
		name := names.DataVolume(v.ID)
		out = append(out, Volume{Name: name, Path: names.DirData + "/" + name, Claim: v.Type == v1.StoragePersistentClaim, Settings: v.StorageSettings})
	}
	return out
}

// metadataVolume is the one that is marked, or the one with the lowest id.
func metadataVolume(volumes []Volume) Volume {
	for _, v := range volumes {
		if v.Settings.KraftMetadata == v1.KraftMetadataShared {
			return v
		}
	}
	return volumes[0]
}

// severalDirs refuses what a KRaft broker can't do yet at old metadata versions (KIP-858).
func (b *builder) severalDirs(p *pool, volumes []Volume) {
	const since = "3.7-IV2"
	needed, _ := kafkaconf.MetadataLevel(since)
	have, ok := kafkaconf.MetadataLevel(cmp.Or(b.in.Observed.MetadataVersion, b.out.Metadata))
	if len(volumes) > 1 && ok && have < needed {
		b.Invalid(p.field("spec.storage.volumes"), "there are %d, and metadata version %s allows one: raise spec.kafka.metadataVersion to %s or later first",
			len(volumes), cmp.Or(b.in.Observed.MetadataVersion, b.out.Metadata), since)
	}
}

// claim is what a node asks of a volume: what the user says, unless the claim that is there can't become that.
func (b *builder) claim(p *pool, v Volume, n Node) Claim {
	c := Claim{Name: names.DataClaim(v.Name, n.Pod), Volume: v.Name, Settings: v.Settings, Labels: p.labels}
	c.Delete = v.Settings.DeleteClaim != nil && *v.Settings.DeleteClaim
	c.Settings.Overrides = nil
	for _, o := range v.Settings.Overrides {
		if o.Broker != nil && *o.Broker == n.ID && o.Class != "" {
			c.Settings.Class = o.Class
		}
	}
	b.keepSize(p, &c)
	return c
}

// keepSize leaves a claim at the size that it has where it can't get the one that is wanted: Kubernetes shrinks no claim, and
// enlarges it only if its class allows that.
func (b *builder) keepSize(p *pool, c *Claim) {
	there, ok := b.in.Observed.Claims[c.Name]
	if !ok || c.Settings.Size == nil {
		return
	}
	has := there.Spec.Resources.Requests.Storage()
	if has.IsZero() || has.Cmp(*c.Settings.Size) == 0 {
		return
	}
	class := c.Settings.Class
	if there.Spec.StorageClassName != nil {
		class = *there.Spec.StorageClassName
	}
	switch {
	case has.Cmp(*c.Settings.Size) > 0:
		b.Warn(ReasonStorage, "%s: the claim %s stays at %s, since claims do not shrink", p.field("spec.storage"), c.Name, has)
	case !b.in.Observed.Expandable[class]:
		b.Warn(ReasonResizing, "%s: the claim %s stays at %s, since the storage class %q does not allow that claims grow (allowVolumeExpansion)",
			p.field("spec.storage"), c.Name, has, class)
	default:
		return
	}
	c.Settings.Size = has
}
