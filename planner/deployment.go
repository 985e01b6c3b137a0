package planner

import "time"

// Deployment says what one process of the pipeline starts: a small copy of the
// fleet that the rest of the plan describes. Its values are exact.
type Deployment struct {
	Regions          int               `json:"regions" max:"16"`
	Gateways         int               `json:"gateways" max:"256"`                       // of each region
	GatewayRate      float64           `json:"gateway_rate" unit:"rate" min:"0"`         // notifications a second, each gateway; 0 is no limit
	Partitions       int               `json:"partitions" max:"256"`                     // of each queue
	Shards           int               `json:"shards" max:"256"`                         // of the preferences
	Workers          DeploymentWorkers `json:"workers"`                                  // in place of the plan's pools
	Elasticity       int               `json:"elasticity" max:"64"`                      // how many times as many workers and gateways there may be, or as few
	StartDelay       time.Duration     `json:"start_delay" min:"0"`                      // of a new worker or gateway
	Connections      string            `json:"connections" oneof:"pooled single"`        // to providers: pooled, or one for each call
	ConnectTime      time.Duration     `json:"connect_time" min:"0"`                     // that the mock providers make a new one take
	Quotas           string            `json:"quotas" oneof:"none plan"`                 // of the providers: none, or what the plan says
	Memory           int64             `json:"memory" unit:"bytes" min:"64e6"`           // of the whole process
	QueueBytes       int64             `json:"queue_bytes" unit:"bytes" min:"1e6"`       // on disk
	HistoryBytes     int64             `json:"history_bytes" unit:"bytes" min:"1e6"`     // on disk
	IdempotencyBytes int64             `json:"idempotency_bytes" unit:"bytes" min:"1e6"` // on disk
}

// DeploymentWorkers is the number of workers that a deployment starts, by
// channel.
type DeploymentWorkers struct {
	Push  int `json:"push" max:"10000"`
	Email int `json:"email" max:"10000"`
	SMS   int `json:"sms" max:"10000"`
}
