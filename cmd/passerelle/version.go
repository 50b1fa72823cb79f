package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

type versionCommand struct{}

// Help holds the examples.
func (versionCommand) Help() string {
	return `passerelle version
passerelle version -o json`
}

type versionAnswer struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// Run prints the version, and the revision where the build knows it.
func (versionCommand) Run(p *program) error {
	v := versionAnswer{Version: version, Revision: revision(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if p.json {
		p.writeJSON(v)
		return nil
	}
	text := "passerelle " + v.Version
	if v.Revision != "" {
		text += " (" + v.Revision + ")"
	}
	fmt.Fprintln(p.stdout, text, v.Go, v.Platform)
	return nil
}

func revision() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return s.Value[:min(12, len(s.Value))]
		}
	}
	return ""
}
