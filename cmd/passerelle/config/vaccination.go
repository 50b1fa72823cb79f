package config

import (
	"net/url"
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
	"github.com/passerelle-sante/passerelle/xds/cda/vaccination"
)

// Vaccination is what Immunization and its recommendations follow.
type Vaccination struct {
	Calendar string   `toml:"calendar"`
	Profiles []string `toml:"profiles"`
}

// maxProfiles bounds the profiles that an Immunization claims.
const maxProfiles = 8

// canonical tells the address of a profile.
func canonical(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(s) <= 400
}

// vaccination reads the calendar that replaces the product's own.
func (c *checker) vaccination() {
	v := c.config.Vaccination
	for i, profile := range v.Profiles {
		if !canonical(profile) || i == maxProfiles {
			c.add(&xds.Error{ID: "CONF-005", Where: "vaccination.profiles[" + strconv.Itoa(i) + "]", Found: profile, Expected: "l'adresse d'un profil, https://…, " + strconv.Itoa(maxProfiles) + " au plus"})
			break
		}
	}
	if v.Calendar == "" {
		return
	}
	raw, info := c.read("vaccination.calendar", v.Calendar)
	if info == nil {
		return
	}
	calendar, err := vaccination.ReadCalendar(string(raw))
	if err != nil {
		c.add(&xds.Error{ID: "CONF-005", Where: "vaccination.calendar", Found: v.Calendar, Expected: "un calendrier vaccinal lisible", Hint: err.Error()})
		return
	}
	c.config.Calendar = calendar
}
