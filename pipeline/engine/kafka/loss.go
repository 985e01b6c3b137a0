package kafka

import "fmt"

// LossError says that records are not where the commits say that they are: some
// were deleted before they left, or a log was cut off. Nothing is read over it,
// since what is missing would be missed by nobody.
type LossError struct {
	Topic     string
	Partition int32
	Group     string
	found     string
}

// Error says what was found, and how to go on without what is lost.
func (e *LossError) Error() string {
	return fmt.Sprintf("records of %s/%d are lost: %s; restore the log, or accept the loss while no worker runs by "+
		"kafka-consumer-groups --reset-offsets --group %s --topic %s:%d --to-earliest --execute, after which all that is there is looked up before it is sent",
		e.Topic, e.Partition, e.found, e.Group, e.Topic, e.Partition)
}
