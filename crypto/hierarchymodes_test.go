package crypto_test

import "testing"

func TestHierarchyWorksInEveryFIPSMode(t *testing.T) {
	t.Parallel()
	inEveryFIPSMode(t,
		"TestHierarchyIsAVault", "TestShreddingOneOwnerLeavesTheOthers", "TestBackupOfTheKeysDiesWithItsEpoch",
		"TestVersionsRotateRetireAndAreTrimmed", "TestTokensAreFoundThroughoutARotation", "TestExpandIsTheFirstBlockOfHKDF",
	)
}
