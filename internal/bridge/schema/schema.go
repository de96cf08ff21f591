package schema

// Schema is one node of a schema tree. Trees are built once at start-up and
// never change, so that a *Schema may be used by any number of requests at once.
type Schema struct {
	// types are the admitted types; none means any. Integer is a type of the
	// schema only: instances are numbers.
	types []string
	// format is checked whatever the instance's type is, as upstream does: a
	// string where an int32 is expected violates both type and format.
	format string
	// atLeast is the minimum of a number, nil without one.
	atLeast *int64
	// oneOf holds the branches of which exactly one has to match.
	oneOf []*Schema
	// required names the members that an object must have, in schema order.
	required []string
	// properties are the declared members of an object, in schema order.
	properties []property
	// closed refuses members that are not declared, or declared and bad.
	closed bool
	// items judges every element of an array; nil accepts any.
	items *Schema
	// ref marks a node reached through a reference, which adds a line of its
	// own in front of the errors found below.
	ref bool
}

// property is a declared member of an object.
type property struct {
	name   string
	schema *Schema
}

// The type names of JSON Schema that the contract uses.
const (
	typeArray   = "array"
	typeBoolean = "boolean"
	typeInteger = "integer"
	typeNull    = "null"
	typeObject  = "object"
	typeString  = "string"
)

// The formats that the contract uses.
const (
	formatByte  = "byte"
	formatInt32 = "int32"
	formatInt64 = "int64"
	// formatLong is int64 where upstream declares no format: it bounds integers and says nothing of other types.
	formatLong = "long"
)

// The request schemas of the contract and its parameter schemas. They are
// constants in spirit: nothing assigns to them.
var (
	consumer = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"name", typed(typeString)},
			{"format", typed(typeString)},
			{"auto.offset.reset", typed(typeString)},
			{"fetch.min.bytes", typed(typeInteger)},
			{"consumer.request.timeout.ms", typed(typeInteger)},
			{"enable.auto.commit", typed(typeBoolean)},
			{"isolation.level", typed(typeString)},
		},
	}

	topics = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"topics", list(typed(typeString))},
			{"topic_pattern", typed(typeString)},
		},
	}

	partitions = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"partitions", list(&Schema{
				// The published document requires neither member; upstream
				// ends in a plain-text 500 when one is missing. Here it is a
				// violation of shape like any other.
				ref: true, types: []string{typeObject}, closed: true,
				required: []string{"topic", "partition"},
				properties: []property{
					{"topic", typed(typeString)},
					{"partition", integer(formatInt32)},
				},
			})},
		},
	}

	offsetCommitSeekList = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"offsets", list(&Schema{
				ref: true, types: []string{typeObject}, closed: true,
				required: []string{"topic", "partition", "offset"},
				properties: []property{
					{"topic", typed(typeString)},
					{"partition", integer(formatInt32)},
					{"offset", integer(formatInt64)},
				},
			})},
		},
	}

	producerRecordList = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"records", list(&Schema{
				ref: true, types: []string{typeObject}, closed: true,
				required: []string{"value"},
				properties: []property{
					{"value", recordValue},
					{"key", recordKey},
					{"partition", integer(formatInt32)},
					{"timestamp", integer(formatInt64)},
					{"headers", headers},
				},
			})},
		},
	}

	producerRecordToPartitionList = &Schema{
		types: []string{typeObject}, closed: true,
		properties: []property{
			{"records", list(&Schema{
				ref: true, types: []string{typeObject}, closed: true,
				required: []string{"value"},
				properties: []property{
					{"value", recordValue},
					{"key", recordKey},
					{"headers", headers},
				},
			})},
		},
	}

	newTopic = &Schema{
		types: []string{typeObject}, closed: true,
		required: []string{"topic_name"},
		properties: []property{
			{"topic_name", typed(typeString)},
			{"partitions_count", typed(typeInteger, typeNull)},
			{"replication_factor", typed(typeInteger, typeNull)},
		},
	}

	// recordKey has no null branch: a null key is refused, an absent one is not.
	recordKey = &Schema{
		ref:   true,
		oneOf: []*Schema{typed(typeArray), typed(typeObject), typed(typeString)},
	}

	recordValue = &Schema{
		ref:   true,
		oneOf: []*Schema{typed(typeArray), typed(typeObject), typed(typeString), typed(typeNull)},
	}

	headers = &Schema{
		ref:   true,
		types: []string{typeArray},
		items: &Schema{
			ref: true, types: []string{typeObject},
			required: []string{"key", "value"},
			properties: []property{
				{"key", typed(typeString)},
				{"value", &Schema{types: []string{typeString}, format: formatByte}},
			},
		},
	}

	boolean     = typed(typeBoolean)
	partitionID = &Schema{types: []string{typeInteger}, atLeast: new(int64)}
	long        = &Schema{types: []string{typeInteger}, format: formatLong}
)

// typed returns a schema that admits the given types.
func typed(types ...string) *Schema { return &Schema{types: types} }

// integer returns the schema of an integral number in the given format.
func integer(format string) *Schema {
	return &Schema{types: []string{typeInteger}, format: format}
}

// list returns the schema of an array of the given elements.
func list(items *Schema) *Schema {
	return &Schema{types: []string{typeArray}, items: items}
}

// Consumer is the schema of create consumer's body.
func Consumer() *Schema { return consumer }

// Topics is the schema of subscribe's body.
func Topics() *Schema { return topics }

// Partitions is the schema of the bodies of assign and of seek to the beginning
// or to the end.
func Partitions() *Schema { return partitions }

// OffsetCommitSeekList is the schema of the bodies of commit and seek.
func OffsetCommitSeekList() *Schema { return offsetCommitSeekList }

// ProducerRecordList is the schema of the body of a send to a topic.
func ProducerRecordList() *Schema { return producerRecordList }

// ProducerRecordToPartitionList is the schema of the body of a send to a
// partition: no record may name a partition or a timestamp there.
func ProducerRecordToPartitionList() *Schema { return producerRecordToPartitionList }

// NewTopic is the schema of create topic's body.
func NewTopic() *Schema { return newTopic }

// Boolean is the schema of the async parameter.
func Boolean() *Schema { return boolean }

// PartitionID is the schema of the partition in a path: integral and not
// negative, of any size.
func PartitionID() *Schema { return partitionID }

// Long is the schema of a poll's timeout and max_bytes: a 64-bit integer.
// Upstream's is wider and fails later with a plain-text 500; what is no number
// is refused with the text of its type alone, since no format is declared there.
func Long() *Schema { return long }
