package expr_test

import (
	"crypto/fips140"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ebbkit/ebb/engine/internal/expr"
)

// What FIPS 140 does not allow is refused in its words, in a process that is told to keep to it; the mode is chosen when a
// process starts.
func TestHashesThatFIPSDoesNotKnowAreRefused(t *testing.T) {
	t.Parallel()
	if !fips140.Enforced() {
		exe, err := os.Executable()
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), exe, "-test.v", "-test.run=^"+t.Name()+"$")
		cmd.Env = append(os.Environ(), "GODEBUG=fips140=only")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		require.Contains(t, string(out), "--- PASS: "+t.Name()+" ")
		return
	}
	for template, want := range map[string]string{
		`{{md5("a")}}`:  "md5 is not available with GODEBUG=fips140=only",
		`{{sha1("a")}}`: "sha1 is not available with GODEBUG=fips140=only",
		`{{sha256("a"; "hex"; "thirteen chars")}}`:             "",
		`{{sha256("a"; "hex"; "thirteen byte")}}`:              "a key of less than 112 bits is not available with GODEBUG=fips140=only",
		`{{sha512("a")}}`:                                      "",
		`{{sha256("a")}}{{base64("b")}}{{sha512("c"; "hex")}}`: "",
	} {
		_, err := compile(t, template).Eval(newEnv())
		if want == "" {
			require.NoError(t, err, template)
			continue
		}
		var refused *expr.RuntimeError
		require.ErrorAs(t, err, &refused, template)
		require.ErrorContains(t, err, want)
	}
}
