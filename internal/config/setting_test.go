package config

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEverySettingOfAHintHasAFlag(t *testing.T) {
	hints, err := os.ReadFile("../../client/hint.go")
	require.NoError(t, err)
	named := regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(string(hints), -1)
	require.Greater(t, len(named), 20)
	for _, key := range named {
		if key[1] == "key" { // in a comment
			continue
		}
		assert.True(t, slices.ContainsFunc(Settings(), func(s Setting) bool { return s.Key == key[1] }), key[1])
	}
}
