// Package config reads the configuration of `passerelle serve`: one TOML file,
// strictly. A key that it does not know, a value of another type, a setting that
// is missing, contradicts another one or would trust too much is a finding, and one
// finding is enough to refuse the start: a misspelled key must never switch a check
// off (safety §2.5). All findings come at once, each with its line.
//
// Secrets are in files of their own that nobody else may read. This package must
// never take one from the environment, from a URL or from the file itself, and
// never write one into a finding (safety §5).
package config

import "time"

// File is the configuration as it is written. The keys are explained in
// passerelle.toml beside this file, which `passerelle init --prod` copies.
type File struct {
	Site         Site          `toml:"site"`
	HTTP         HTTP          `toml:"http"`
	SOAP         SOAP          `toml:"soap"`
	TLS          TLS           `toml:"tls"`
	Database     Database      `toml:"database"`
	Repository   Repository    `toml:"repository"`
	Vault        Vault         `toml:"keys"`
	VIHF         []VIHF        `toml:"vihf"`
	Tokens       []Tokens      `toml:"tokens"`
	Applications []Application `toml:"applications"`
	SignIn       SignIn        `toml:"signin"`
	Senders      []Sender      `toml:"senders"`
	MLLP         MLLP          `toml:"mllp"`
	Operators    Operators     `toml:"operators"`
	Community    Own           `toml:"community"`
	Communities  []Community   `toml:"communities"`
	Secrets      Secrets       `toml:"secrets"`
	ATNA         ATNA          `toml:"atna"`
	DSUB         DSUB          `toml:"dsub"`
	Mail         Mail          `toml:"mail"`
	SMS          SMS           `toml:"sms"`
	Scan         Scan          `toml:"scan"`
	Vaccination  Vaccination   `toml:"vaccination"`
	Limits       Limits        `toml:"limits"`
	Log          Log           `toml:"log"`
	Metrics      Metrics       `toml:"metrics"`
	Housekeeping Housekeeping  `toml:"housekeeping"`
	Announced    Announced     `toml:"announcements"`
	Shutdown     Shutdown      `toml:"shutdown"`
}

// Site is what the installation is.
type Site struct {
	RepositoryID      string `toml:"repository_id"`
	Profile           string `toml:"profile"`
	ProvisionalMatrix bool   `toml:"provisional_matrix"`
	ValueSets         string `toml:"value_sets"`
}

// HTTP is where clients reach the gateway.
type HTTP struct {
	Listen         []string `toml:"listen"`
	Base           string   `toml:"base"`
	Certificate    string   `toml:"certificate"`
	Key            string   `toml:"key"`
	AllowPlainHTTP bool     `toml:"allow_plain_http"`
}

// SOAP is where the SOAP faces are reached when they have a port of their own, in
// mutual TLS. Without Listen they are on those of HTTP.
type SOAP struct {
	Listen            []string `toml:"listen"`
	Base              string   `toml:"base"`
	Certificate       string   `toml:"certificate"`
	Key               string   `toml:"key"`
	OneTimeAssertions bool     `toml:"one_time_assertions"`
}

// TLS is whom certificates make trusted, and how the files of it are renewed.
type TLS struct {
	Reload          time.Duration `toml:"reload"`
	CRL             []string      `toml:"crl"`
	CRLURLs         []string      `toml:"crl_urls"`
	CRLDirectory    string        `toml:"crl_directory"`
	CRLRefresh      time.Duration `toml:"crl_refresh"`
	CRLGrace        time.Duration `toml:"crl_grace"`
	TestAuthorities bool          `toml:"test_authorities"`
	Client          []Client      `toml:"client"`
}

// Client is a range of client certificates, under roots of its own.
type Client struct {
	Name          string   `toml:"name"`
	Roots         []string `toml:"roots"`
	Intermediates []string `toml:"intermediates"`
	Cards         bool     `toml:"cards"`
	Revocation    string   `toml:"revocation"`
}

// Database is the PostgreSQL server.
type Database struct {
	DSN            string `toml:"dsn"`
	PasswordFile   string `toml:"password_file"`
	MaxConnections int    `toml:"max_connections"`
	MigrateAtStart bool   `toml:"migrate_at_start"`
}

// Repository is where the bytes of the documents are: a folder, or a bucket.
type Repository struct {
	Directory string `toml:"directory"`
	S3        S3     `toml:"s3"`
}

// Vault is where the keys of the records are, and the two secrets of the installation beside them.
type Vault struct {
	Directory     string `toml:"directory"`
	MasterFile    string `toml:"master_file"`
	SignatureFile string `toml:"signature_file"`
}

// S3 is a bucket on an S3-compatible server.
type S3 struct {
	Endpoint      string `toml:"endpoint"`
	Bucket        string `toml:"bucket"`
	Region        string `toml:"region"`
	Prefix        string `toml:"prefix"`
	AccessKeyFile string `toml:"access_key_file"`
	SecretKeyFile string `toml:"secret_key_file"`
	TLS           bool   `toml:"tls"`
	CAFile        string `toml:"ca_file"`
	Spool         string `toml:"spool"`
}

// VIHF is a trusted issuer of assertions.
type VIHF struct {
	Issuer        string   `toml:"issuer"`
	Certificates  []string `toml:"certificates"`
	Roots         []string `toml:"roots"`
	Intermediates []string `toml:"intermediates"`
	Subject       string   `toml:"subject"`
	Revocation    string   `toml:"revocation"`
	Modes         []string `toml:"modes"`
	Clients       []string `toml:"clients"`
	Audience      string   `toml:"audience"`
	AnyAudience   bool     `toml:"any_audience"`
}

// Tokens is a trusted issuer of bearer tokens.
type Tokens struct {
	Issuer         string   `toml:"issuer"`
	JWKS           string   `toml:"jwks"`
	UserInfo       string   `toml:"userinfo"`
	CAFile         string   `toml:"ca_file"`
	WithoutPatient bool     `toml:"without_patient"`
	Portals        []string `toml:"portals"`
}

// Application is a service that patients may authorise: the most that it can be granted.
type Application struct {
	Client    string   `toml:"client"`
	Name      string   `toml:"name"`
	Publisher string   `toml:"publisher"`
	Scopes    []string `toml:"scopes"`
	Types     []string `toml:"types"`
	Longest   int      `toml:"longest_days"`
}

// Operators are those to whom the operator of the gateway gives a right that no role on
// a record gives.
type Operators struct {
	ManyPatients []string `toml:"many_patients"` // professionals who ask about several patients at once (ITI-51), by national id
	Remove       []string `toml:"remove"`        // who remove what was registered (ITI-62, ITI-86): national ids, and structures for their own tokens
	Audit        []string `toml:"audit"`         // who read the history of any record (ITI-81): as for remove
}

// Sender is how the lots of one structure, or of one subject, are taken.
type Sender struct {
	Name       string   `toml:"name"`
	Structure  string   `toml:"structure"`
	Subject    string   `toml:"subject"`
	Replay     string   `toml:"replay"`
	Strictness string   `toml:"strictness"`
	Warn       []string `toml:"warn"`
}

// Secrets are keys of the gateway's own.
type Secrets struct {
	CursorFile string `toml:"cursor_file"`
}

// Limits bound what is served at once.
type Limits struct {
	SOAP        int `toml:"soap"`
	FHIR        int `toml:"fhir"`
	API         int `toml:"api"`
	DocumentMiB int `toml:"document_mib"`
}

// Log is the journal, JSON on the standard error.
type Log struct {
	Level string `toml:"level"`
}

// Metrics is where Prometheus reads.
type Metrics struct {
	Listen string `toml:"listen"`
	Public bool   `toml:"public"`
}

// Housekeeping is the sweep of what crashes left over.
type Housekeeping struct {
	Interval time.Duration `toml:"interval"`
	Age      time.Duration `toml:"age"`
}

// Announced are the documents that wait for the consultation that announces them.
type Announced struct {
	RemindAfter time.Duration `toml:"remind_after"`
}

// Shutdown is how a stop on SIGTERM goes.
type Shutdown struct {
	LameDuck time.Duration `toml:"lame_duck"`
	Drain    time.Duration `toml:"drain"`
}

// defaults are the values of the keys that a file may leave out.
func defaults() File {
	return File{
		Site:       Site{Profile: "dmp"},
		TLS:        TLS{Reload: 5 * time.Second, CRLRefresh: time.Hour, CRLGrace: 24 * time.Hour},
		Database:   Database{MaxConnections: 32},
		Repository: Repository{S3: S3{TLS: true}},
		Limits:     Limits{SOAP: 128, FHIR: 128, API: 64, DocumentMiB: 1024},
		SignIn: SignIn{
			PSC:           Provider{Scopes: []string{"openid", "scope_all"}, Level: "eidas1"},
			FranceConnect: Provider{Scopes: []string{"openid", "identite_pivot", "email"}, Level: "eidas1"},
		},
		ATNA:         ATNA{Keep: 30 * 24 * time.Hour},
		DSUB:         DSUB{Longest: 31 * 24 * time.Hour},
		Mail:         Mail{TLS: "starttls", Name: "Espace santé", Timeout: 30 * time.Second},
		SMS:          SMS{Timeout: 10 * time.Second},
		Scan:         Scan{Timeout: 20 * time.Second},
		Log:          Log{Level: "info"},
		Housekeeping: Housekeeping{Interval: time.Hour, Age: 24 * time.Hour},
		Announced:    Announced{RemindAfter: 14 * 24 * time.Hour},
		Shutdown:     Shutdown{LameDuck: 5 * time.Second, Drain: 30 * time.Second},
	}
}
