package page

import (
	"os"
	"testing"

	"github.com/notifyctl/notifyctl/reports/reportstest"
)

func TestTmp(t *testing.T) {
	f, _ := os.Create("/tmp/w/s4/report.html")
	if err := Write(f, reportstest.Result(), nil); err != nil {
		t.Fatal(err)
	}
	f.Close()
}
