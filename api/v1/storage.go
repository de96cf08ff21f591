package v1

import "k8s.io/apimachinery/pkg/api/resource"

// Values of [Storage.Type].
const (
	StorageEphemeral       = "ephemeral"
	StoragePersistentClaim = "persistent-claim"
	StorageJBOD            = "jbod"
)

// KraftMetadataShared is the value of [StorageSettings.KraftMetadata].
const KraftMetadataShared = "shared"

// Storage is where a node keeps its data.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'persistent-claim' || has(self.size)",message="storage of type persistent-claim needs size, such as 10Gi"
// +kubebuilder:validation:XValidation:rule="self.type != 'jbod' || (has(self.volumes) && size(self.volumes) > 0)",message="storage of type jbod needs volumes"
type Storage struct {
	// ephemeral: as long as the pod lives; persistent-claim: a volume; jbod: several volumes.
	// +kubebuilder:validation:Enum=ephemeral;persistent-claim;jbod
	Type string `json:"type"`
	// The volume's number.
	// +kubebuilder:validation:Minimum=0
	ID *int32 `json:"id,omitempty"`

	StorageSettings `json:",inline"`

	// The volumes, for type jbod.
	// +listType=map
	// +listMapKey=id
	Volumes []JBODVolume `json:"volumes,omitempty"`
}

// JBODVolume is one of several volumes of a node.
//
// +kubebuilder:validation:XValidation:rule="self.type != 'persistent-claim' || has(self.size)",message="a volume of type persistent-claim needs size, such as 10Gi"
type JBODVolume struct {
	// ephemeral: as long as the pod lives; persistent-claim: a volume.
	// +kubebuilder:validation:Enum=ephemeral;persistent-claim
	Type string `json:"type"`
	// The volume's number, which must stay the same as long as there is data.
	// +kubebuilder:validation:Minimum=0
	ID int32 `json:"id"`

	StorageSettings `json:",inline"`
}

// StorageSettings are the properties of a volume.
type StorageSettings struct {
	// For persistent-claim: the volume's size.
	Size *resource.Quantity `json:"size,omitempty"`
	// For ephemeral: the size at most.
	SizeLimit *resource.Quantity `json:"sizeLimit,omitempty"`
	// For persistent-claim: the storage class; the cluster's default one if absent.
	Class string `json:"class,omitempty"`
	// For persistent-claim: labels of the volumes that may be taken.
	Selector map[string]string `json:"selector,omitempty"`
	// For persistent-claim: whether the claim goes when the cluster goes; false if absent.
	DeleteClaim *bool `json:"deleteClaim,omitempty"`
	// For persistent-claim: the class of attributes that can change while the volume lives.
	VolumeAttributesClass string `json:"volumeAttributesClass,omitempty"`
	// shared: the KRaft metadata log is on this volume, beside the records.
	// +kubebuilder:validation:Enum=shared
	KraftMetadata string `json:"kraftMetadata,omitempty"`
	// Deprecated. Storage classes of single brokers; node pools do it.
	Overrides []StorageOverride `json:"overrides,omitempty"`
}

// StorageOverride is the storage class of one broker.
type StorageOverride struct {
	// The broker's id.
	Broker *int32 `json:"broker,omitempty"`
	// Its storage class.
	Class string `json:"class,omitempty"`
}
