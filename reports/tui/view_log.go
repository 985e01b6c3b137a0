package tui

// log is what happened and what this process logged, the newest at the end.
func (c *canvas) log() []string {
	remark := "newest last"
	lines := []string{c.rule("log", remark)}
	for _, e := range c.history.events.merged(c.Logged) {
		if c.order.passes(e.text) {
			lines = append(lines, c.event(&e))
		}
	}
	return lines
}
