package mockproviders

// event is what becomes of a notification after a provider accepted it, as its
// receipts would tell. The mocks send no receipts; the ledger says it of a
// notification that is asked for by its id.
type event uint8

const (
	noEvent event = iota
	bounced
	complained
	suppressed
	outOfOffice
)

// String is the event's name in the ledger, empty for none.
func (e event) String() string {
	switch e {
	case bounced:
		return "bounce"
	case complained:
		return "complaint"
	case suppressed:
		return "suppressed"
	case outOfOffice:
		return "out_of_office"
	}
	return ""
}
