package authz

import "time"

// Access is what an existence test tells of somebody's way into a record (policy Q-24).
type Access string

// The answers of the existence test.
const (
	AccessValid     Access = "valid"
	AccessNone      Access = "none"
	AccessExpired   Access = "expired"
	AccessForbidden Access = "forbidden"
	AccessClosed    Access = "closed"
)

// Access is the subject's own standing on the record at an instant.
func (a Allowed) Access(now time.Time) Access {
	f := a.facts
	switch {
	case f.Profile == ProfileClosed:
		return AccessClosed
	case a.kind == Structure:
		return AccessNone
	case a.kind != Pro:
		return AccessValid
	case f.Blocked:
		return AccessForbidden
	case f.Administrator:
		return AccessValid
	case f.Link == NoLink:
		return AccessNone
	case !f.LinkExpires.IsZero() && f.LinkExpires.Unix() <= now.Unix():
		return AccessExpired
	default:
		return AccessValid
	}
}
