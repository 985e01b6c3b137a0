package pipeline_test

import (
	"strings"
	"testing"

	"github.com/notifyctl/notifyctl/pipeline"
)

func TestCheckAddress(t *testing.T) {
	accepted := map[pipeline.Channel][]string{
		pipeline.Email: {
			"a@b", "ada@example.com", "a.b+c_d@x-y.example", "O'Neill@example.com", "zoë@exämple.de",
			strings.Repeat("a", 64) + "@" + strings.Repeat("b", 189),
		},
		pipeline.SMS:  {"+4915112345678", "+2901234", "+123456789012345"},
		pipeline.Push: {"a", "fGx:APA91b-_x", strings.Repeat("t", 4096)},
	}
	refused := map[pipeline.Channel][]string{
		pipeline.Email: {
			"", "@", "a@", "@b", "a", "a b@c", "a@b c", "a@@b", "a@b@c", ".a@b", "a.@b", "a..b@c", "a@.b", "a@b.", "a@b..c",
			"Ada <a@b>", "a@b,c@d", "a@b\r\nBcc: c@d", "a@[1.2.3.4]", `"a"@b`, "a@b_c",
			strings.Repeat("a", 65) + "@b", strings.Repeat("a", 64) + "@" + strings.Repeat("b", 190),
		},
		pipeline.SMS:  {"", "+", "4915112345678", "+0151123456", "+49 151 1234", "+49-151-1234", "+123456", "+1234567890123456", "+49151123٤567"},
		pipeline.Push: {"", "a b", "a\n", "é", "a\x7f", strings.Repeat("t", 4097)},
	}
	for channel, addresses := range accepted {
		for _, a := range addresses {
			if err := pipeline.CheckAddress(channel, a); err != nil {
				t.Errorf("%v %.80q: %v", channel, a, err)
			}
		}
	}
	for channel, addresses := range refused {
		for _, a := range addresses {
			if pipeline.CheckAddress(channel, a) == nil {
				t.Errorf("%v %.80q was taken", channel, a)
			}
		}
	}
	if pipeline.CheckAddress(0, "a@b") == nil {
		t.Error("an address of no channel was taken")
	}
}
