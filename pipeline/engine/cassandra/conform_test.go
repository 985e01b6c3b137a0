package cassandra

import (
	"testing"

	"github.com/notifyctl/notifyctl/pipeline/pipelinetest"
)

func TestRows(t *testing.T) {
	d := cluster(t)
	pipelinetest.Rows(t, func(t *testing.T) pipelinetest.HistoryRows { return open(t, config(d)) })
}
