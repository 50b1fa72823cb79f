package config

import (
	"os"
	"path/filepath"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/profile/dmp"
)

// valueSets reads the version of the value sets that replaces the product's own.
func (c *checker) valueSets() {
	dir := c.config.Site.ValueSets
	if dir == "" {
		return
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(filepath.Dir(c.config.Path), dir)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() || c.config.Site.Profile == "ihe" {
		c.add(&xds.Error{ID: "CONF-007", Where: "site.value_sets", Found: c.config.Site.ValueSets, Expected: "un dossier de fichiers CSV, avec le profil dmp"})
		return
	}
	sets, err := dmp.ReadSets(os.DirFS(dir))
	if findings, told := xds.FindingsOf(err); told {
		for _, f := range findings {
			c.add(&xds.Error{ID: "CONF-005", Where: "site.value_sets/" + f.Where, Found: f.Found, Expected: f.Expected})
		}
		return
	}
	c.config.Sets = sets
}
