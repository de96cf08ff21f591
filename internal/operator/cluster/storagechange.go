package cluster

import (
	"fmt"
	"reflect"
	"strings"

	v1 "github.com/steg-kafka/steg/api/v1"
)

// carriedOut is the storage that the nodes of a pool get: the user's, or the one that they have if the user's would take their
// data away. As in the reference operator all of a change is left alone if one part of it can't be.
func (b *builder) carriedOut(p *pool) v1.Storage {
	before, ok := b.in.Observed.Storage[p.name]
	if !ok || before.Type == "" {
		return p.storage
	}
	refused := changeRefused(before, p.storage)
	if len(refused) == 0 {
		return p.storage
	}
	b.Warn(ReasonStorage, "%s: the change is ignored: %s", p.field("spec.storage"), strings.Join(refused, "; "))
	return before
}

// changeRefused says what of a change can't be done to volumes with data. Volumes may come and go, and grow.
func changeRefused(before, after v1.Storage) []string {
	if before.Type != after.Type {
		return []string{fmt.Sprintf("type can't change from %s to %s", before.Type, after.Type)}
	}
	if before.Type != v1.StorageJBOD {
		return settingsRefused("", before.Type, before.StorageSettings, after.StorageSettings)
	}
	var refused []string
	for _, was := range before.Volumes {
		for _, is := range after.Volumes {
			if was.ID != is.ID {
				continue
			}
			at := fmt.Sprintf("volume %d: ", is.ID)
			if was.Type != is.Type {
				refused = append(refused, fmt.Sprintf("%stype can't change from %s to %s", at, was.Type, is.Type))
				continue
			}
			refused = append(refused, settingsRefused(at, is.Type, was.StorageSettings, is.StorageSettings)...)
		}
	}
	return refused
}

// settingsRefused compares two settings of one volume. What is left out here may change: deleteClaim, kraftMetadata,
// volumeAttributesClass, and the limit of what goes with the pod anyway.
func settingsRefused(at, kind string, was, is v1.StorageSettings) []string {
	if kind != v1.StoragePersistentClaim {
		return nil
	}
	var refused []string
	if was.Size != nil && is.Size != nil && is.Size.Cmp(*was.Size) < 0 {
		refused = append(refused, fmt.Sprintf("%ssize can't shrink from %s to %s", at, was.Size, is.Size))
	}
	if was.Class != is.Class {
		refused = append(refused, fmt.Sprintf("%sclass can't change from %q to %q", at, was.Class, is.Class))
	}
	if len(was.Selector)+len(is.Selector) > 0 && !reflect.DeepEqual(was.Selector, is.Selector) {
		refused = append(refused, at+"selector can't change")
	}
	if len(was.Overrides)+len(is.Overrides) > 0 && !reflect.DeepEqual(was.Overrides, is.Overrides) {
		refused = append(refused, at+"overrides can't change")
	}
	return refused
}
