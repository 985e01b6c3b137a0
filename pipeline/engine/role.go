package engine

// Role is what a process does of the pipeline. Several processes share the work
// once their state is in engines beyond the network.
type Role string

// The roles.
const (
	// All is everything, and the default.
	All Role = "all"
	// Gateway answers the HTTP interface, and delivers nothing.
	Gateway Role = "gateway"
	// Worker delivers; over HTTP it tells of itself alone.
	Worker Role = "worker"
)

// Roles lists the roles, the default first.
func Roles() []Role { return []Role{All, Gateway, Worker} }

func (r Role) accepts() bool  { return r != Worker }
func (r Role) delivers() bool { return r != Gateway }
