// Package schema judges request bodies by the schemas of the bridge contract
// (section 1.3) and words every violation exactly as the validator of the
// Strimzi Kafka Bridge does, in the same order. It knows the seven request
// schemas of the API and no more of JSON Schema than they use: type, required,
// properties, additionalProperties:false, items, oneOf, minimum, the formats
// int32, int64 and byte, and references.
//
// It must not decode bodies into values, decide statuses or know operations:
// that is package wire's part. It reads raw JSON and keeps nothing of it; what
// is JSON at all is package rawjson's decision alone.
package schema
