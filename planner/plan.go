package planner

import (
	"reflect"

	"github.com/notifyctl/notifyctl/planner/units"
	"github.com/notifyctl/notifyctl/planner/yamldoc"
)

// A Plan describes a notification system: what it has to carry, what it is
// built from, what is claimed of it, and what a deployment of it starts.
//
// The field tags are the one description of a plan's file: json names the
// key, min and max bound its value (without min a value must be above zero, and a
// fraction without max is at most one), unit says what a number of a type of
// Go's own measures, oneof and provider list the words it takes, and
// replace:"whole" marks a mapping that is not merged with the default's. The decoder, the JSON Schema and
// the figures' inputs all read them.
type Plan struct {
	Version       int           `json:"version"`
	Name          string        `json:"name"`
	AsOf          Date          `json:"as_of"`
	Workload      Workload      `json:"workload"`
	Gateway       Gateway       `json:"gateway"`
	Service       Service       `json:"service"`
	Kafka         Kafka         `json:"kafka"`
	Workers       Workers       `json:"workers"`
	Postgres      Postgres      `json:"postgres"`
	Cassandra     Cassandra     `json:"cassandra"`
	Redis         Redis         `json:"redis"`
	Preferences   Preferences   `json:"preferences"`
	Templates     Templates     `json:"templates"`
	Providers     Providers     `json:"providers"`
	RateLimits    RateLimits    `json:"rate_limits"`
	Growth        Growth        `json:"growth"`
	Prices        Prices        `json:"prices"`
	ServiceLevels ServiceLevels `json:"service_levels"`
	Savings       Savings       `json:"savings"`
	Claims        Claims        `json:"claims"`
	Limits        []Limit       `json:"limits"`
	Deployment    Deployment    `json:"deployment"`

	// sources says where each key's value was written, by path.
	sources map[string]yamldoc.Source
	// book has the prices, those that the plan gives itself among them.
	book *priceBook
}

// Source gives the place where the value of a key was written, by the key's
// path, like "workload.users".
func (p *Plan) Source(path string) yamldoc.Source { return p.sources[path] }

// PlanVersion is the version of the plan file that this package reads.
const PlanVersion = 1

// Workload is what the system has to carry.
type Workload struct {
	Users                units.Count    `json:"users"` // active in a day
	NotificationsPerUser units.Number   `json:"notifications_per_user"`
	PeakFactor           units.Number   `json:"peak_factor" min:"1"` // peak rate over average rate
	DesignRate           units.Rate     `json:"design_rate"`
	Channels             ChannelShares  `json:"channels" replace:"whole"`
	Priorities           PriorityShares `json:"priorities" replace:"whole"`
	Size                 units.Bytes    `json:"size"`
	Compression          units.Number   `json:"compression"`
	UserSkew             units.Number   `json:"user_skew" min:"0" max:"5"` // Zipf exponent
	Burst                units.Number   `json:"burst" min:"1"`
	Spike                Spike          `json:"spike"`
	Regions              units.Count    `json:"regions"`
	Expiry               units.Duration `json:"expiry"` // a notification's, unless it says otherwise
}

// ChannelShares divides the workload over the channels; the shares add up to
// one.
type ChannelShares struct {
	Push  units.Fraction `json:"push" min:"0"`
	Email units.Fraction `json:"email" min:"0"`
	SMS   units.Fraction `json:"sms" min:"0"`
}

// PriorityShares divides the workload over the priorities; the shares add up
// to one.
type PriorityShares struct {
	High   units.Fraction `json:"high" min:"0"`
	Normal units.Fraction `json:"normal" min:"0"`
	Low    units.Fraction `json:"low" min:"0"`
}

// Spike is a sudden jump of the rate.
type Spike struct {
	From units.Rate `json:"from"`
	To   units.Rate `json:"to"`
}

// Gateway is the fleet of API gateways.
type Gateway struct {
	RatePerInstance units.Rate     `json:"rate_per_instance"`
	CPU             units.Number   `json:"cpu"` // cores
	Memory          units.Bytes    `json:"memory"`
	Min             units.Count    `json:"min"`
	Max             units.Count    `json:"max"`
	ScaleUpCPU      units.Fraction `json:"scale_up_cpu"`
	ScaleUpAfter    units.Duration `json:"scale_up_after"`
	ScaleUpP99      units.Duration `json:"scale_up_p99"`
	ScaleDownCPU    units.Fraction `json:"scale_down_cpu"`
	ScaleDownAfter  units.Duration `json:"scale_down_after"`
}

// Service is the fleet of notification services behind the gateways.
type Service struct {
	RatePerInstance        units.Rate  `json:"rate_per_instance"`
	ConnectionsPerInstance units.Count `json:"connections_per_instance"`
	Max                    units.Count `json:"max"`
}

// Kafka is the cluster that holds the queues.
type Kafka struct {
	Brokers          units.Count        `json:"brokers"`
	Zones            units.Count        `json:"zones"`
	Partitions       PriorityPartitions `json:"partitions"`
	PartitionRate    units.Rate         `json:"partition_rate"`
	PartitionGrowth  units.Number       `json:"partition_growth" min:"1"`
	Consumers        units.Count        `json:"consumers"` // of each priority
	Readers          units.Count        `json:"readers"`   // groups of consumers that each read all
	Replication      units.Count        `json:"replication"`
	MinInsync        units.Count        `json:"min_insync"`
	Retention        units.Duration     `json:"retention"`
	DiskPerBroker    units.Bytes        `json:"disk_per_broker"`
	DiskUtilisation  units.Fraction     `json:"disk_utilisation"`   // at most
	NetworkPerBroker units.Bandwidth    `json:"network_per_broker"` // each way
}

// PriorityPartitions is a number of partitions for each priority.
type PriorityPartitions struct {
	High   units.Count `json:"high"`
	Normal units.Count `json:"normal"`
	Low    units.Count `json:"low"`
}

// Workers are the pools that send, one a channel.
type Workers struct {
	Policy      string     `json:"policy" oneof:"arrivals steps drain"`
	Push        WorkerPool `json:"push"`
	Email       WorkerPool `json:"email"`
	SMS         WorkerPool `json:"sms"`
	BatchedRate units.Rate `json:"batched_rate"` // of one worker that sends batches
}

// WorkerPool is the pool of one channel.
type WorkerPool struct {
	Min   units.Count `json:"min"`
	Max   units.Count `json:"max"`
	Rate  units.Rate  `json:"rate"` // of one worker that sends one at a time
	Batch units.Count `json:"batch"`
}

// Postgres holds the users' preferences, in shards.
type Postgres struct {
	Shards              units.Count    `json:"shards"`
	MaxShards           units.Count    `json:"max_shards"`
	Replicas            units.Count    `json:"replicas" min:"0"` // for reading, each shard
	BytesPerUser        units.Bytes    `json:"bytes_per_user"`
	IndexShare          units.Fraction `json:"index_share" min:"0" max:"10"`
	DiskPerShard        units.Bytes    `json:"disk_per_shard"`
	ReadsPerNode        units.Rate     `json:"reads_per_node"`
	ConnectionsPerShard units.Count    `json:"connections_per_shard"` // that its primary accepts
	Sharding            string         `json:"sharding" oneof:"modulo jump"`
}

// Cassandra holds the history of deliveries.
type Cassandra struct {
	Nodes         units.Count    `json:"nodes"`
	Replication   units.Count    `json:"replication"`
	DiskPerNode   units.Bytes    `json:"disk_per_node"`
	Utilisation   units.Fraction `json:"utilisation"` // of the disk, at most
	WritesPerNode units.Rate     `json:"writes_per_node"`
	Retention     units.Duration `json:"retention"`
}

// Redis holds caches, rate-limit state and idempotency keys.
type Redis struct {
	Nodes                     units.Count    `json:"nodes"` // replicas among them
	MemoryPerNode             units.Bytes    `json:"memory_per_node"`
	Replicas                  units.Count    `json:"replicas" min:"0"` // of each primary
	HotUsers                  units.Count    `json:"hot_users" min:"0"`
	BytesPerUser              units.Bytes    `json:"bytes_per_user"`
	RateStatePerUser          units.Bytes    `json:"rate_state_per_user" min:"0"`
	IdempotencyTTL            units.Duration `json:"idempotency_ttl"`
	IdempotencyBytes          units.Bytes    `json:"idempotency_bytes" min:"0"` // the value of one key
	KeyBytes                  units.Bytes    `json:"key_bytes"`                 // the name of one entry
	Fragmentation             units.Number   `json:"fragmentation" min:"1"`     // memory taken over memory used
	Headroom                  units.Fraction `json:"headroom" min:"0" max:"10"`
	OperationsPerNotification units.Number   `json:"operations_per_notification"`
	OperationsPerNode         units.Rate     `json:"operations_per_node"`
}

// Preferences are the two caches before the preferences' database.
type Preferences struct {
	L1 LocalCache  `json:"l1"`
	L2 SharedCache `json:"l2"`
}

// LocalCache is a cache in each process.
type LocalCache struct {
	Entries units.Count    `json:"entries" min:"0"`
	TTL     units.Duration `json:"ttl"`
}

// SharedCache is a cache that all processes share.
type SharedCache struct {
	TTL units.Duration `json:"ttl"`
}

// Templates are the texts that notifications are rendered from.
type Templates struct {
	Count units.Count    `json:"count"`
	Size  units.Bytes    `json:"size"`
	TTL   units.Duration `json:"ttl"`
}

// RateLimits bounds what users get.
type RateLimits struct {
	PerUser ChannelLimits `json:"per_user"`
}

// ChannelLimits is a number of notifications a day for each channel; 0 is no
// limit.
type ChannelLimits struct {
	Push  units.Count `json:"push" min:"0"`
	Email units.Count `json:"email" min:"0"`
	SMS   units.Count `json:"sms" min:"0"`
}

// ServiceLevels are the levels that are promised of the system.
type ServiceLevels struct {
	APIP99               units.Duration `json:"api_p99"`
	EndToEndP99          units.Duration `json:"end_to_end_p99"`
	TransactionalSuccess units.Fraction `json:"transactional_success"`
	PromotionalSuccess   units.Fraction `json:"promotional_success"`
	QueueDepth           units.Count    `json:"queue_depth"`
	QueueLag             units.Duration `json:"queue_lag"`
	Errors               units.Fraction `json:"errors" min:"0"`
	Utilisation          units.Fraction `json:"utilisation"`
	CacheHit             units.Fraction `json:"cache_hit"`
	LogReadP99           units.Duration `json:"log_read_p99"`
	LogRangeP99          units.Duration `json:"log_range_p99"`
	LogWrites            units.Rate     `json:"log_writes"`
	ScaleUp              units.Duration `json:"scale_up"`
}

// Savings are what three optimisations are said to save, each as a share of
// the bill.
type Savings struct {
	Batching    units.Fraction `json:"batching" min:"0"`
	ColdStorage units.Fraction `json:"cold_storage" min:"0"`
	Reserved    units.Fraction `json:"reserved" min:"0"`
	ColdAfter   units.Duration `json:"cold_after"`                                   // the age from which history is cold
	ColdTier    string         `json:"cold_tier" oneof:"infrequent archive_instant"` // of S3
	Commitment  string         `json:"commitment" oneof:"one_year three_years"`
}

// Sections lists the keys that stand at the top level of a plan.
func Sections() []string { return keysOf(reflect.TypeFor[Plan]()) }
