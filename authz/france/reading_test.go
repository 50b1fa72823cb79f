package france_test

// The second reading of the sources: what each person may do, told person by
// person from the five texts and policy §0 and §1.4 to §1.9. It was written without
// the table of rules at hand and shares nothing with it: no rule, no order, no type
// and no constant of the product (its words stand in words_test.go). S0 … S4 are
// the five texts, Q-nn the resolutions of policy §1.6.

// mayBeDone is the answer to a question.
func mayBeDone(q *question) bool {
	switch q.who {
	case holder:
		return holderMay(q)
	case parent:
		return parentMay(q)
	case relative:
		return relativeMay(q)
	case carer:
		return carerMay(q)
	case server:
		return serverMay(q)
	}
	return false // S4: "L'accès au DMP est réservé aux professionnels autorisés"
}

// holderMay: the person whose record it is, once of age (S4: "Il n'est pas prévu
// d'accès direct par le mineur").
func holderMay(q *question) bool {
	if q.child {
		return false
	}
	inUse := q.record == opened || q.record == activated
	// S0: "masquer un document au patient dans l'attente d'une consultation d'annonce".
	there := q.state != gone && !q.awaitsAnnouncement
	switch q.act {
	case toSearch, toRetrieve:
		return inUse && there // S0: "visualiser à tout moment l'ensemble de ses données"
	case toMask, toUnmask, toArchive:
		return inUse && there // S0: "L'usager peut définir la confidentialité de chaque document"
	case toSubmit:
		return inUse // S4: "Le titulaire du DMP peut également l'alimenter lui-même"
	case toReplace:
		return inUse && there && q.source == byFamily && q.state == current
	case toDelete:
		return inUse && there && q.source == byFamily // a professional's document is masked, never deleted
	case toReadHistory:
		return inUse || q.record == shut // S4: "consultables à tout moment par le titulaire"
	case toBlock, toAppoint, toSet, toEndLink, toClose:
		return inUse // S2: "Paramètres"; S4: "modifier la liste", "fermer son espace santé"
	case toSeeState:
		return true
	case toActivate: // S4: "peut changer d'avis à tout moment"
		return q.record == announced || q.record == refused || q.record == opened || q.record == wiped
	case toOppose:
		return q.record == announced // S3: "six semaines pour s'y opposer"
	case toReopen:
		return q.record == shut // S3: "même si le profil est réactivé"
	case toErase:
		return inUse || q.record == shut // S3: "demander la suppression de toutes les données"
	}
	return false
}

// parentMay: the holder of parental authority acts for the minor, in all that the
// adult would do (S4: "exercent pour le compte du mineur toutes les actions"), but
// never meets what the minor asked to keep from him (S0).
func parentMay(q *question) bool {
	if !q.child {
		return false
	}
	kept := q.keptFromParents || q.awaitsAnnouncement || q.state == gone
	switch q.record {
	case opened, activated:
		switch q.act {
		case toSearch, toRetrieve, toMask, toUnmask, toArchive:
			return !kept
		case toDelete:
			return !kept && q.source == byFamily
		case toReplace:
			return !kept && q.source == byFamily && q.state == current
		case toSubmit, toReadHistory, toBlock, toAppoint, toSet, toEndLink, toClose, toErase, toSeeState:
			return true
		case toActivate:
			return q.record == opened
		}
	case shut:
		return q.act == toReadHistory || q.act == toReopen || q.act == toErase || q.act == toSeeState
	case announced:
		return q.act == toActivate || q.act == toOppose || q.act == toSeeState
	case refused, wiped:
		return q.act == toActivate || q.act == toSeeState
	case absent:
		return q.act == toSeeState
	}
	return false
}

// relativeMay: S1 says no more than "l'accès pourra être délégué à un proche": he
// reads, adds and looks who came, nothing else.
func relativeMay(q *question) bool {
	if q.child {
		return false
	}
	if q.act == toSeeState {
		return true
	}
	if q.record != opened && q.record != activated {
		return false
	}
	if q.act == toSearch || q.act == toRetrieve {
		return q.state != gone && !q.awaitsAnnouncement
	}
	return q.act == toSubmit || q.act == toReadHistory
}

// carerMay: a professional with a name. He feeds, and takes back his own, whatever
// the mode and even blocked; the rest is a matter of relation or appointment.
func carerMay(q *question) bool {
	if q.act == toKnowIfExists {
		return true
	}
	if q.record != opened && q.record != activated {
		return false
	}
	// What comes from the profession and has not been deleted is the matter of.
	theirs := q.source == byCarer && q.state != gone
	welcome := !q.turnedAway && q.manner == usual
	switch q.act {
	case toSubmit:
		return true // S0: "Déposer les documents et informations utiles"
	case toReplace:
		return theirs && q.state == current && (q.wroteIt || q.ofHisHouse)
	case toDelete:
		return theirs && q.wroteIt // S0: "Supprimer un document dont il est l'auteur"
	case toSearch, toRetrieve: // one and the same question
		return !q.turnedAway && !q.companyDoctor && q.state != gone && carerReads(q)
	case toMask, toUnmask, toRevealToPatient, toRevealToParents:
		// S0: the author at the patient's demand, the médecin traitant "même s'il n'en est pas l'auteur".
		return welcome && q.state != gone && (q.appointed || q.wroteTheFirst)
	case toArchive:
		return welcome && q.state != gone && (q.appointed || q.wroteIt)
	case toReadHistory, toBlock:
		return welcome && q.appointed // S0: "Les médecins traitants ont des droits élargis"
	case toDeclareLink:
		return welcome && !q.companyDoctor // S0: "en cochant une case dédiée"
	case toResign:
		return q.manner == usual && q.appointed
	case toEndLink, toReadOwnHistory:
		return q.manner == usual
	}
	return false
}

// carerReads: the ways by which a professional comes to read a document.
func carerReads(q *question) bool {
	masked := q.masked || q.allMasked // S2: "masquer tous vos documents"; S0: "ou tous les masquer"
	switch q.manner {
	case usual:
		if q.appointed {
			return true // S4: "l'intégralité des informations, y compris les documents masqués"
		}
		if q.bond != presumed && q.bond != agreed {
			return false // S0: team of care, or consent formally given
		}
		if q.wroteIt {
			return true // S0: "sauf … au professionnel de santé qui l'a déposé"
		}
		return q.ofHisTrade && !masked // S2: "en fonction d'une grille d'autorisation"
	case centre15:
		return q.regulator && q.samuAgreed && q.ofHisTrade && (!masked || q.maskedAgreed)
	case glassBroken:
		return q.glassAgreed && q.ofHisTrade && (!masked || q.maskedAgreed)
	}
	return false // S0: the traits and the justification are asked for
}

// serverMay: a structure without a person. It delivers and takes back what its
// house delivered; reading is for "chaque professionnel, dûment identifié" (S0, Q-18).
func serverMay(q *question) bool {
	inUse := q.record == opened || q.record == activated
	ours := q.ofHisHouse && q.state != gone
	switch q.act {
	case toSubmit:
		return inUse
	case toReplace:
		return inUse && ours && q.source == byCarer && q.state == current
	case toDelete:
		return inUse && ours && q.source == byCarer
	case toKnowIfExists:
		return ours
	}
	return false
}

// doorShown is the number of the refusal of the whole record, 0 for none (policy §0.1):
// of those that hold, the lowest.
func doorShown(q *question) int {
	inUse := q.record == opened || q.record == activated
	switch q.act {
	case toActivate, toOppose, toReopen, toErase, toKnowIfExists, toSeeState:
	case toReadHistory:
		ofTheFamily := q.who == holder || q.who == parent
		if !inUse && !(ofTheFamily && q.record == shut) {
			return 1
		}
	default:
		if !inUse {
			return 1
		}
	}
	switch q.who {
	case holder, relative:
		if q.child {
			return 5
		}
	case parent:
		if !q.child {
			return 6
		}
	case stranger:
		return 2
	case server:
		if q.act != toSubmit && q.act != toReplace && q.act != toDelete && q.act != toKnowIfExists {
			return 3
		}
	case carer:
		return carerDoor(q)
	}
	return 0
}

func carerDoor(q *question) int {
	feeds := q.act == toSubmit || q.act == toReplace || q.act == toDelete || q.act == toKnowIfExists
	reads := q.act == toSearch || q.act == toRetrieve
	aboutHimself := q.act == toResign || q.act == toEndLink || q.act == toReadOwnHistory
	switch {
	case q.turnedAway && !feeds && !aboutHimself:
		return 4
	case q.manner != usual && !feeds && !reads:
		return 7
	case q.companyDoctor && (reads || q.act == toDeclareLink):
		return 11
	case !reads:
		return 0
	case q.manner == usual && !q.appointed && q.bond == none:
		return 23
	case q.manner == usual && !q.appointed && q.bond == lapsed:
		return 29
	case q.manner == centre15 && !(q.regulator && q.samuAgreed):
		return 24
	case q.manner == glassUnfounded, q.manner == glassBroken && !q.glassAgreed:
		return 25
	}
	return 0
}
