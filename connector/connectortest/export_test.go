package connectortest

// Problems is what Conform reports, for tests of Conform itself.
var Problems = conform
