package admin

import (
	"context"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/steg-kafka/steg/internal/kafka"
)

// Cluster is what was found behind the bootstrap addresses.
type Cluster struct {
	ID      string
	Brokers int
}

// Cluster asks any broker which cluster it belongs to.
func (a *Admin) Cluster(ctx context.Context) (Cluster, error) {
	ctx, cancel := a.bound(ctx)
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none, rather than all
	resp, err := ask(ctx, a, "describeCluster", kafka.Subject{}, req.RequestWith)
	if err != nil {
		return Cluster{}, err
	}
	c := Cluster{Brokers: len(resp.Brokers)}
	if resp.ClusterID != nil {
		c.ID = *resp.ClusterID
	}
	return c, nil
}
