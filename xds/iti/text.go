package iti

import (
	"fmt"

	"github.com/passerelle-sante/passerelle/xds/soap"
)

func atMost(n int) string { return fmt.Sprintf("au plus %d", n) }

// closeAll closes the documents of an answer that were not streamed.
func closeAll(parts []soap.OutPart) {
	for _, p := range parts {
		if c, ok := p.Body.(interface{ Close() error }); ok {
			_ = c.Close()
		}
	}
}
