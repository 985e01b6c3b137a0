package pipeline

// Retraction is what a provider said of a user's address, beyond the
// notification that it refused.
type Retraction struct {
	PreferenceKey
	Address string
	// OptedOut: the recipient wants nothing more there. Else the address is
	// gone.
	OptedOut bool
}
