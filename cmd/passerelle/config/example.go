package config

import _ "embed"

// Example is a configuration with every key, explained; what it must be given is
// named by the findings of Load.
//
//go:embed passerelle.toml
var Example []byte
