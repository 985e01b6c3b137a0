// Package blob keeps templates in a bucket of an object store, named by a URL:
// s3://name?region=... for Amazon S3 and what speaks its protocol, and for tests
// file:///folder and mem://.
//
// # Objects
//
// They are named as the files of a templates folder are, so that a folder can be
// copied into a bucket and back:
//
//	{id}/v{version}.json            in the default locale
//	{id}/v{version}.{locale}.json   in another
//
// each {"subject": "...", "body": "..."}. An id is of letters, digits, _ and -, a
// locale of letters, digits and -, so that no name leads elsewhere. An object is
// written once, by a write that fails where one is: of several writers one is the
// first, whatever process it is in. Only file:// tells them apart within one
// process alone.
//
// # URLs
//
// Parameters of s3:// are region, endpoint, use_path_style, and prefix=some/ for
// a part of a bucket. Credentials are no part of the URL: they come from the
// environment, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from where else
// Amazon's clients look. They must allow to list the bucket, to read its objects,
// and to write them where templates are put over HTTP.
//
// Google's and Azure's stores are not built in. Their clients add 23 MB and 9.5
// MB to a program, measured with gocloud.dev 0.48; that of S3 adds 9.4 MB.
package blob
