// Package sdktest holds the mock providers against the providers' own client
// libraries, in tests alone: what SendGrid's, Amazon's, Google's and Twilio's
// libraries, and the usual one for APNs, make of the mocks' answers, when all
// goes well, when they are throttled, refused, and refused in part. Vonage's
// library is no longer kept; its mock is held against Vonage's documentation.
//
// It is a module of its own, so that nobody who builds the project downloads
// these libraries, and it depends on nothing of the project: its tests build
// notifyctl and run `notifyctl mock`, as any user of the mocks does. They are run
// by `go test -count=1 ./...` in this directory; without the count, Go would not
// see that notifyctl changed.
package sdktest
