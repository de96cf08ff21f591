// Package webhook answers the API server: it puts sidecars into pods that ask for one (/mutate/pods/bridge), judges
// KafkaBridges before they are stored (/validate/kafkabridge), and converts custom resources between their versions
// (/convert). It decodes, reads what the pure packages need, lets inject.Pod and model.ForBridge decide, and puts the outcome
// into an answer; there are no rules about pods or bridges here.
//
// Every replica serves. An answer is given before the API server stops waiting, nothing is written while answering (so that a
// dry run has no effect), and objects are read from the cache, apart from Secrets, which are only ever read one by one.
//
// Certificates is the package's other half: the certificate that the API server sees. One replica, the leader, issues it into
// a Secret, renews it, and tells the API server whom to trust; all replicas load it and exchange it while they serve.
package webhook
