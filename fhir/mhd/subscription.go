package mhd

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/passerelle-sante/passerelle/authz"
	"github.com/passerelle-sante/passerelle/fhir"
	"github.com/passerelle-sante/passerelle/registry"
	"github.com/passerelle-sante/passerelle/xds"
)

// subscribe is POST Subscription (ITI-110 of DSUBm): whoever may search the record now
// is entered; what he is told later is judged then. It is requested until its consumer
// has answered a handshake. The answer is the same whatever the record holds.
func (s *Server) subscribe(c *call) error {
	request, err := s.readSubscription(c)
	if err != nil {
		return err
	}
	if existing, found, err := s.noneExist(c); err != nil || found {
		if err == nil {
			err = s.showSubscription(c, http.StatusOK, existing)
		}
		return err
	}
	id := s.NewID()
	var until time.Time
	var record string
	if err := s.Registry.Write(c.r.Context(), func(session *registry.Session) error {
		scope, n, err := s.openSubscription(c, session, &request, id)
		if err != nil {
			return err
		}
		record = scope.Record()
		until, err = session.Subscribe(c.r.Context(), scope, n)
		return err
	}); err != nil {
		return err
	}
	st := fhir.SubscriptionState{ID: id, Version: 1, Updated: s.Now(), Status: registry.HookRequested.String(), End: until}
	c.w.Header().Set("Location", s.Base+"/Subscription/"+id)
	s.stamp(c, st)
	request.Criteria = criteria(request.Search, record)
	return c.prefer(http.StatusCreated, func(b []byte) []byte { return fhir.AppendSubscription(b, st, request.Subscription) }, true)
}

// readSubscription reads the body and judges what needs no right: all findings at once.
func (s *Server) readSubscription(c *call) (fhir.SubscriptionRequest, error) {
	n, err := c.body(fhir.MaxSubscription, "Subscription")
	if err != nil {
		return fhir.SubscriptionRequest{}, err
	}
	request, found := fhir.ReadSubscription(n, s.Base)
	if request.Status == registry.HookOff.String() && c.r.Method == http.MethodPut {
		return request, nil // he ends it: whatever else it says
	}
	if request.Status != "requested" && request.Status != "active" && c.r.Method == http.MethodPost {
		found.Add(xds.Found("FHIR-009", "Subscription.status", request.Status, "requested"))
	}
	if _, listed := s.Broker.Covering(request.Endpoint); !listed {
		found.Add(&xds.Error{ID: "DSUB-003", Where: "Subscription.channel.endpoint", Found: withoutQuery(request.Endpoint),
			Hint: "demander à l'exploitant d'inscrire l'adresse ([[dsub.consumer]] de la configuration)"})
	}
	last := s.Now().Add(s.Broker.Span())
	switch end := request.End; {
	case end.IsZero():
		request.End = last
	case !end.After(s.Now()) || end.After(last.Add(time.Minute)): // their clock may be ahead of ours
		found.Add(xds.Found("DSUB-005", "Subscription.end", end.Format(time.RFC3339), "un instant d'ici au "+last.UTC().Format(time.RFC3339)))
	}
	return request, found.Err()
}

// openSubscription asks the Gate about the patient of the criteria, and gives what is
// to be kept.
func (s *Server) openSubscription(c *call, session *registry.Session, request *fhir.SubscriptionRequest, id string) (authz.Scope, registry.Subscription, error) {
	ctx := c.r.Context()
	scope, empty, err := s.openSearch(ctx, session, c, request.Search)
	if err == nil && empty { // two patients, or none that we know
		err = &xds.Error{ID: "REG-001", Where: "Subscription.criteria.extension"}
	}
	if err == nil && !registry.TellsOf(scope, request.Content == fhir.ContentFull) {
		err = &xds.Error{ID: "TOK-008", Where: level(c.subject) + "/DocumentReference.rs"}
	}
	if err != nil {
		return scope, registry.Subscription{}, err
	}
	asked := request.Subscription
	asked.Criteria = criteria(request.Search, scope.Record())
	kept, err := json.Marshal(asked)
	return scope, registry.Subscription{
		ID: id, Full: asked.Content == fhir.ContentFull, Consumer: asked.Endpoint, Expires: request.End,
		Filter: request.Search.Query.With(xds.EqualTexts(xds.AttrObjectType, xds.StableDocument)).Match, // as ITI-67 finds them
		Hook:   &registry.Hook{Asked: kept, NewOnly: asked.Topic == fhir.TopicNew, Heartbeat: asked.Heartbeat},
	}, err
}

// criteria are those of a search, with the record in place of an identifier.
func criteria(search fhir.Search, record string) string {
	return strings.TrimPrefix(search.URL("", record, ""), "/")
}

// withoutQuery is an address as an answer repeats it.
func withoutQuery(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host + u.Path
}

// noneExist is If-None-Exist of a create (R4 http.html): one own Subscription that the
// search finds stands for the new one, more than one are 412.
func (s *Server) noneExist(c *call) (one registry.Held, found bool, err error) {
	values, conditional, err := c.noneExistCriteria("Subscription", "")
	if !conditional || err != nil {
		return one, false, err
	}
	search, findings := fhir.ParseSubscriptionSearch(values, s.Base, true)
	if err := findings.Err(); err != nil {
		return one, false, err
	}
	q := hookQuery(search)
	q.After, q.Limit = "", 2
	all, total, err := s.Registry.Hooks(c.r.Context(), c.subject, q)
	switch {
	case err != nil || total == 0:
		return one, false, err
	case total > 1:
		return one, false, &xds.Error{ID: "FHIR-014", Where: "If-None-Exist"}
	}
	return all[0], true, nil
}

// ownSubscription is the one that the path names; another's is an unknown one.
func (s *Server) ownSubscription(c *call) (registry.Held, error) {
	all, _, err := s.Registry.Hooks(c.r.Context(), c.subject, registry.HookQuery{IDs: []string{c.id}, Limit: 1})
	if err == nil && len(all) == 0 {
		err = &xds.Error{ID: "FHIR-003"}
	}
	if err != nil {
		return registry.Held{}, err
	}
	return all[0], nil
}

// readOwnSubscription is GET Subscription/{id}. It asks no right: it shows what its owner
// asked, and nothing of the record.
func (s *Server) readOwnSubscription(c *call) error {
	h, err := s.ownSubscription(c)
	if err != nil {
		return err
	}
	if s.stamp(c, state(h)); c.unchanged(etag(h.Version)) {
		return nil
	}
	asked, err := askedOf(h.Hook.Asked)
	if err != nil {
		return err
	}
	return c.write(fhir.AppendSubscription(nil, state(h), asked))
}

// showSubscription answers a write as the client prefers.
func (s *Server) showSubscription(c *call, status int, h registry.Held) error {
	asked, err := askedOf(h.Hook.Asked)
	if err != nil {
		return err
	}
	s.stamp(c, state(h))
	return c.prefer(status, func(b []byte) []byte { return fhir.AppendSubscription(b, state(h), asked) }, true)
}

// stamp sets the validators of a version.
func (s *Server) stamp(c *call, st fhir.SubscriptionState) {
	c.w.Header().Set("ETag", etag(st.Version))
	c.w.Header().Set("Last-Modified", st.Updated.UTC().Format(http.TimeFormat))
}

func state(h registry.Held) fhir.SubscriptionState {
	return fhir.SubscriptionState{ID: h.ID, Version: h.Version, Updated: h.Updated, Status: h.Status.String(), End: h.Expires, Failure: h.Failure, Told: h.Told}
}

func askedOf(kept []byte) (asked fhir.Subscription, err error) {
	return asked, json.Unmarshal(kept, &asked)
}

// changeSubscription is PUT Subscription/{id}. To switch it off asks no right, whoever
// has lost his access must be able to; everything else is a subscription of this
// instant. Headers that are not said again stay, for the same endpoint alone.
func (s *Server) changeSubscription(c *call) error {
	request, err := s.readSubscription(c)
	if err != nil {
		return err
	}
	if request.ID != c.id {
		return xds.Found("FHIR-001", "Subscription.id", "", "celui de l'adresse")
	}
	h, err := s.ownSubscription(c)
	if err != nil {
		return err
	}
	was, err := askedOf(h.Hook.Asked)
	if err != nil {
		return err
	}
	version, err := c.expected(h)
	if err != nil {
		return err
	}
	if request.Status == registry.HookOff.String() {
		err = s.Registry.SwitchOff(c.r.Context(), c.subject, c.id, version, h.Hook.Asked)
	} else {
		err = s.resubscribe(c, &request, was, version)
	}
	if err != nil {
		return err
	}
	if h, err = s.ownSubscription(c); err != nil {
		return err
	}
	return s.showSubscription(c, http.StatusOK, h)
}

func (s *Server) resubscribe(c *call, request *fhir.SubscriptionRequest, was fhir.Subscription, version int) error {
	if request.Headers == nil && request.Endpoint == was.Endpoint {
		request.Headers = was.Headers
	}
	afresh := request.Status == registry.HookRequested.String() || request.Endpoint != was.Endpoint || !slices.Equal(request.Headers, was.Headers)
	return s.Registry.Write(c.r.Context(), func(session *registry.Session) error {
		scope, n, err := s.openSubscription(c, session, request, c.id)
		if err != nil {
			return err
		}
		return session.Resubscribe(c.r.Context(), scope, n, version, afresh)
	})
}

// expected is the version to be changed: the one that If-Match names, any (0) without it.
func (c *call) expected(h registry.Held) (version int, err error) {
	header := c.r.Header.Get("If-Match")
	switch {
	case header == "":
		return 0, nil
	case !matches(header, etag(h.Version)):
		return 0, &xds.Error{ID: "FHIR-011", Where: "If-Match"}
	}
	return h.Version, nil
}

func etag(version int) string { return `W/"` + strconv.Itoa(version) + `"` }

// deleteSubscription is DELETE Subscription/{id}.
func (s *Server) deleteSubscription(c *call) error {
	h, err := s.ownSubscription(c)
	if err != nil {
		return err
	}
	version, err := c.expected(h)
	if err != nil {
		return err
	}
	if err := s.Registry.Unhook(c.r.Context(), c.subject, c.id, version); err != nil {
		return err
	}
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// findSubscriptions is ITI-113 Resource Subscription Search: the caller's own.
func (s *Server) findSubscriptions(c *call) error {
	values, err := c.parameters()
	if err != nil {
		return err
	}
	search, findings := fhir.ParseSubscriptionSearch(values, s.Base, c.strict())
	if err := findings.Err(); err != nil {
		return err
	}
	q := hookQuery(search)
	q.Limit++ // whether there are more
	all, total, err := s.Registry.Hooks(c.r.Context(), c.subject, q)
	if err != nil {
		return err
	}
	set := fhir.Searchset{Self: search.URL(s.Base, search.Cursor), Total: &total}
	if len(all) > search.Count {
		if all = all[:search.Count]; search.Count > 0 {
			set.Next = search.URL(s.Base, all[search.Count-1].ID)
		}
	}
	return s.writeSubscriptions(c, set, s.Base+"/Subscription/", all, func(h registry.Held, asked fhir.Subscription) []byte {
		return fhir.AppendSubscription(nil, state(h), asked)
	})
}

func hookQuery(s fhir.SubscriptionSearch) registry.HookQuery {
	return registry.HookQuery{IDs: s.IDs, Records: s.Records, Consumers: s.URLs, Statuses: registry.HookStatuses(s.Statuses), After: s.Cursor, Limit: s.Count}
}

// subscriptionStatus is the operation $status (R5 backport 1.1): of one Subscription, or
// of those of the caller's that id and status name.
func (s *Server) subscriptionStatus(c *call) error {
	q := registry.HookQuery{Limit: maxStatuses}
	self := s.Base + "/Subscription/$status"
	if c.id != "" {
		if _, err := s.ownSubscription(c); err != nil {
			return err
		}
		q.IDs, self = []string{c.id}, s.Base+"/Subscription/"+c.id+"/$status"
	} else {
		q.IDs, q.Statuses = c.query["id"], registry.HookStatuses(c.query["status"])
	}
	all, total, err := s.Registry.Hooks(c.r.Context(), c.subject, q)
	if err != nil {
		return err
	}
	return s.writeSubscriptions(c, fhir.Searchset{Self: self, Total: &total}, "urn:uuid:", all, func(h registry.Held, asked fhir.Subscription) []byte {
		return fhir.AppendSubscriptionStatus(nil, s.Base, h.ID, fhir.Notice{Type: "query-status", State: state(h), Topic: asked.Topic, Content: asked.Content})
	})
}

// maxStatuses bounds what $status tells of at once.
const maxStatuses = 200

// writeSubscriptions answers with a searchset of Subscriptions or of what they become.
func (s *Server) writeSubscriptions(c *call, set fhir.Searchset, address string, all []registry.Held, as func(registry.Held, fhir.Subscription) []byte) error {
	asked := make([]fhir.Subscription, len(all))
	for i, h := range all {
		var err error
		if asked[i], err = askedOf(h.Hook.Asked); err != nil {
			return err
		}
	}
	return c.write(fhir.AppendSubscriptions(nil, set, len(all), func(i int) (string, []byte) { return address + all[i].ID, as(all[i], asked[i]) }))
}
