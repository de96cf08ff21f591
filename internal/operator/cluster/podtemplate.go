package cluster

import (
	v1 "github.com/steg-kafka/steg/api/v1"
	"github.com/steg-kafka/steg/internal/operator/names"
)

// podVolumes checks the volumes that a template adds to the pods of a pool, with volumes for data, and returns their names.
func (b *builder) podVolumes(field string, pod v1.KafkaPodTemplate, data []Volume) []string {
	own := []string{names.VolumeTmp}
	for _, v := range data {
		own = append(own, v.Name)
	}
	templated := make([]v1.AdditionalVolume, len(pod.TemplatedVolumes))
	for i, v := range pod.TemplatedVolumes {
		templated[i].Name = v.Name
	}
	all := b.TemplateVolumes(field+".volumes", pod.Volumes, own, nil)
	return b.TemplateVolumes(field+".templatedVolumes", templated, own, all)
}
