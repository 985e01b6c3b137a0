package blob

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://
	"gocloud.dev/gcerrors"

	"github.com/notifyctl/notifyctl/pipeline"
)

const (
	// openTimeout bounds the look at a bucket when it is opened.
	openTimeout = 10 * time.Second
	// timeout bounds every use of it, with the client's own retries.
	timeout = 5 * time.Second
)

// IsURL says whether a place of templates is a URL of a bucket, and not a
// folder.
func IsURL(place string) bool {
	scheme, _, found := strings.Cut(place, "://")
	return found && scheme != "" && !strings.ContainsFunc(scheme, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// CheckURL says what is wrong with the URL of a bucket.
func CheckURL(place string) error {
	const want = "want s3://bucket?region=..., and for another service than Amazon's &endpoint=http://host:port&use_path_style=true"
	u, err := url.Parse(place)
	if err != nil {
		return errors.New("no URL; " + want)
	}
	if u.User != nil {
		return errors.New("credentials are no part of the URL: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; " + want)
	}
	switch u.Scheme {
	case "s3":
		if u.Host == "" {
			return errors.New("no bucket is named; " + want)
		}
	case "file", "mem":
	default:
		return fmt.Errorf("%.20q is no kind of bucket that is known; %s", u.Scheme, want)
	}
	return nil
}

// Store is the templates in a bucket. It is a [pipeline.TemplateStore].
type Store struct {
	bucket  *blob.Bucket
	address string
}

var _ pipeline.TemplateStore = (*Store)(nil)

// Open opens a bucket and makes sure that it can be listed. Errors: of the URL,
// and *[pipeline.EngineError].
func Open(ctx context.Context, place string) (*Store, error) {
	if err := CheckURL(place); err != nil {
		return nil, fmt.Errorf("--templates: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	s := &Store{address: address(place)}
	var err error
	if s.bucket, err = blob.OpenBucket(ctx, withDefaults(place)); err != nil {
		return nil, &pipeline.EngineError{Engine: pipeline.EngineTemplates, Address: s.address, Err: err, Remedy: "correct --templates", Permanent: true}
	}
	if err := s.list(ctx); err != nil {
		return nil, errors.Join(s.fault(err), s.bucket.Close())
	}
	return s, nil
}

// withDefaults is a URL with the parameters that are not given. Services other
// than Amazon's often send no checksums, of which its client would complain on
// standard error at each read.
func withDefaults(place string) string {
	const checksums = "response_checksum_validation"
	u, err := url.Parse(place)
	if err != nil || u.Scheme != "s3" || u.Query().Has(checksums) {
		return place
	}
	query := u.Query()
	query.Set(checksums, "when_required")
	u.RawQuery = query.Encode()
	return u.String()
}

// address is a URL for people: what is asked, without how.
func address(place string) string {
	u, err := url.Parse(place)
	if err != nil {
		return ""
	}
	name := u.Scheme + "://" + u.Host + u.Path
	if endpoint, err := url.Parse(u.Query().Get("endpoint")); err == nil && endpoint.Host != "" {
		name += " (" + endpoint.Host + ")"
	}
	return name
}

// Address names the bucket for people.
func (s *Store) Address() string { return s.address }

// Check says whether the bucket can be listed now.
func (s *Store) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := s.list(ctx); err != nil {
		return s.fault(err)
	}
	return nil
}

// list reads a first page of one name.
func (s *Store) list(ctx context.Context) error {
	_, _, err := s.bucket.ListPage(ctx, blob.FirstPageToken, 1, nil)
	return err
}

// Close lets go of the bucket.
func (s *Store) Close() error { return s.bucket.Close() }

// fault is what is wrong with the bucket, and what to do about it.
func (s *Store) fault(err error) error {
	fault := &pipeline.EngineError{Engine: pipeline.EngineTemplates, Address: s.address, Err: errors.New(reason(err)), Permanent: true}
	code := ""
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		code = said.ErrorCode()
	}
	switch {
	case strings.Contains(err.Error(), "failed to refresh cached credentials"):
		fault.Err = errors.New("neither the environment, ~/.aws nor this machine's role has credentials")
		fault.Remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of a user of the bucket"
	case code == "InvalidAccessKeyId" || code == "SignatureDoesNotMatch" || code == "XAdminUserNotFound": // the last is Versity's
		fault.Remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of a user of the bucket"
	case code == "AccessDenied" || gcerrors.Code(err) == gcerrors.PermissionDenied:
		fault.Remedy = "let the user of AWS_ACCESS_KEY_ID list the bucket, and read and write its objects"
	case code == "NoSuchBucket" || gcerrors.Code(err) == gcerrors.NotFound:
		fault.Remedy = "create the bucket, or correct --templates"
	case code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed":
		fault.Remedy = "give the bucket's own region, as in ?region=eu-central-1"
	case strings.Contains(err.Error(), "Invalid region") || strings.Contains(err.Error(), "Missing Region"):
		fault.Remedy = "give the bucket's region, as in ?region=eu-central-1"
	default:
		fault.Permanent = false
		fault.Remedy = "start it, or correct --templates"
	}
	return fault
}

// reason is what a driver said at the root, without its account of the calls
// that led there.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no answer in time"
	}
	if said, ok := errors.AsType[smithy.APIError](err); ok {
		return strings.TrimSuffix(strings.TrimSuffix(said.ErrorCode()+": "+said.ErrorMessage(), ": "), ".")
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		return op.Error()
	}
	for next := err; next != nil; next = cause(next) {
		err = next
	}
	return err.Error()
}

// cause is what an error wraps; of several, the first, which the others only
// classify.
func cause(err error) error {
	several, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return errors.Unwrap(err)
	}
	if causes := several.Unwrap(); len(causes) > 0 {
		return causes[0]
	}
	return nil
}
