package cluster

import "github.com/steg-kafka/steg/internal/operator/model"

// Reasons of warnings of this package. Those that begin with Kafka, and ScaleDownPreventionCheck, are the reference operator's.
const (
	ReasonScaleDown        = "ScaleDownPreventionCheck"
	ReasonControllerCount  = "KafkaKRaftControllerNodeCount"
	ReasonControllersStay  = "ControllersStay"
	ReasonStorage          = "KafkaStorage"
	ReasonResizing         = "PvcResizingWarning"
	ReasonMetadataVersion  = "KafkaMetadataVersion"
	ReasonReplication      = "KafkaDefaultReplicationFactor"
	ReasonMinISR           = "KafkaMinInsyncReplicas"
	ReasonInterBroker      = "KafkaInterBrokerProtocolVersionInKRaft"
	ReasonMessageFormat    = "KafkaLogMessageFormatVersionInKRaft"
	ReasonQuotas           = "QuotasPluginConflict"
	ReasonUnknownOption    = "UnknownKafkaOption"
	ReasonNoAuthentication = "NoAuthentication"
	ReasonBriefWindow      = "BriefMaintenanceWindow"
	ReasonSameAddress      = "SameAdvertisedAddress"
)

// reasonDeprecated is short for a reason that many fields have.
const reasonDeprecated = model.ReasonDeprecatedFields
