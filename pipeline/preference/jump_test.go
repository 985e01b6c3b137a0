package preference

import "testing"

// The vectors are those that other implementations of the paper's function are
// tested by.
func TestJumpFollowsThePaper(t *testing.T) {
	for _, c := range []struct {
		key     uint64
		buckets int
		want    int
	}{
		{1, 1, 0}, {42, 57, 43}, {0xDEAD10CC, 1, 0}, {0xDEAD10CC, 666, 361}, {256, 1024, 520},
	} {
		if got := jump(c.key, c.buckets); got != c.want {
			t.Errorf("jump(%#x, %d) is %d, want %d", c.key, c.buckets, got, c.want)
		}
	}
}
