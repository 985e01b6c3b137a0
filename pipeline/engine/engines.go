package engine

// Engines says which engines beyond the network are used. What none is named
// for is embedded.
type Engines struct{}

func (e *Engines) externalStore() bool { return false }

func (e *Engines) externalPreferences() bool { return false }
