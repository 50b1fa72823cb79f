#!/bin/sh
# Validates every kind of answer of the FHIR face with the validator of HL7, against R4
# and, when ../shared/fhir is there, the profiles of MHD, PDSm and BALP that they claim.
cd "$(dirname "$0")/.." || exit 1
. conformance/java/classpath.sh || { echo "fhir : non vérifié par le validateur de HL7"; exit 0; }
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
PASSERELLE_FHIR_OUT="$out" go test -count=1 -run TestServedResources ./conformance || exit 1
shared=${PASSERELLE_SHARED:-../shared}
set --
for folder in balp-1.1.4/defs mhd-4.2.3/defs pdsm-3.1.1/defs stubs; do
  [ -d "$shared/fhir/$folder" ] && set -- "$@" "$shared/fhir/$folder"
done
[ $# -gt 0 ] || echo "fhir : $shared/fhir absent : R4 seul, sans les profils"
java -cp "$CLASSPATH" conformance/java/Validate.java "$out" conformance/java/known.tsv "$@"
