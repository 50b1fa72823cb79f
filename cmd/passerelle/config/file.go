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
	Site         Site         `toml:"site"`
	HTTP         HTTP         `toml:"http"`
	Database     Database     `toml:"database"`
	Repository   Repository   `toml:"repository"`
	VIHF         []VIHF       `toml:"vihf"`
	Tokens       []Tokens     `toml:"tokens"`
	Secrets      Secrets      `toml:"secrets"`
	Limits       Limits       `toml:"limits"`
	Log          Log          `toml:"log"`
	Metrics      Metrics      `toml:"metrics"`
	Housekeeping Housekeeping `toml:"housekeeping"`
	Shutdown     Shutdown     `toml:"shutdown"`
}

// Site is what the installation is.
type Site struct {
	RepositoryID      string `toml:"repository_id"`
	Profile           string `toml:"profile"`
	ProvisionalMatrix bool   `toml:"provisional_matrix"`
}

// HTTP is where clients reach the gateway.
type HTTP struct {
	Listen         []string `toml:"listen"`
	Base           string   `toml:"base"`
	Certificate    string   `toml:"certificate"`
	Key            string   `toml:"key"`
	AllowPlainHTTP bool     `toml:"allow_plain_http"`
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
	Issuer       string   `toml:"issuer"`
	Certificates []string `toml:"certificates"`
	Roots        []string `toml:"roots"`
	Subject      string   `toml:"subject"`
	AnyAudience  bool     `toml:"any_audience"`
}

// Tokens is a trusted issuer of bearer tokens.
type Tokens struct {
	Issuer string `toml:"issuer"`
	JWKS   string `toml:"jwks"`
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

// Shutdown is how a stop on SIGTERM goes.
type Shutdown struct {
	LameDuck time.Duration `toml:"lame_duck"`
	Drain    time.Duration `toml:"drain"`
}

// defaults are the values of the keys that a file may leave out.
func defaults() File {
	return File{
		Site:         Site{Profile: "dmp"},
		Database:     Database{MaxConnections: 32},
		Repository:   Repository{S3: S3{TLS: true}},
		Limits:       Limits{SOAP: 128, FHIR: 128, API: 64, DocumentMiB: 1024},
		Log:          Log{Level: "info"},
		Housekeeping: Housekeeping{Interval: time.Hour, Age: 24 * time.Hour},
		Shutdown:     Shutdown{LameDuck: 5 * time.Second, Drain: 30 * time.Second},
	}
}
