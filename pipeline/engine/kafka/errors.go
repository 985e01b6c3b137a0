package kafka

import (
	"errors"

	kafkago "github.com/segmentio/kafka-go"
)

// verdict is what an answer says of a batch.
type verdict uint8

const (
	// written: the batch is durable, by this request or by an earlier one.
	written verdict = iota + 1
	// notWritten: not by this request; later it may be.
	notWritten
	// refused: not by this request, and by no other like it.
	refused
	// outOfSequence: not by this request, and none will be under this producer
	// id.
	outOfSequence
	// unknown: it may be.
	unknown
)

// judge says what a broker's answer means for a batch. Only errors that a
// broker gives before it appends mean that nothing was written. A leader that
// is deposed while it waits for its followers has appended, and its successor
// may have the batch: so the errors that say who leads leave it open.
func judge(code int16) verdict {
	switch kafkago.Error(code) {
	case 0, kafkago.DuplicateSequenceNumber:
		return written
	case kafkago.NotEnoughReplicas, kafkago.ThrottlingQuotaExceeded, kafkago.InvalidMessage: // the last: damaged on the way
		return notWritten
	case kafkago.MessageSizeTooLarge, kafkago.RecordListTooLarge, kafkago.InvalidTopic,
		kafkago.InvalidRequiredAcks, kafkago.TopicAuthorizationFailed, kafkago.ClusterAuthorizationFailed,
		kafkago.InvalidTimestamp, kafkago.UnsupportedVersion, kafkago.UnsupportedForMessageFormat,
		kafkago.PolicyViolation, kafkago.InvalidRecord:
		return refused
	case kafkago.OutOfOrderSequenceNumber, kafkago.UnknownProducerId, kafkago.InvalidProducerEpoch, kafkago.InvalidProducerIDMapping:
		return outOfSequence
	}
	return unknown
}

// brokerError is a code that a broker answered with, with the words that it
// added.
func brokerError(code int16, words string) error {
	if words == "" {
		return kafkago.Error(code)
	}
	return errors.Join(kafkago.Error(code), errors.New(words))
}
