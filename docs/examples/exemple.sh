#!/bin/sh
# A client of the FHIR face in curl: documents found, read and published, vaccinations,
# a refusal. Usage: make run in another terminal, then sh docs/examples/exemple.sh
set -eu
B=${B:-http://127.0.0.1:8080}
CDA=$(realpath "${CDA:-testdata/cda/cr-accouchement.xml}")
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"

# The sandbox mints tokens; in production they come from the identity provider.
token() { curl -sf -d "{\"as\":\"$1\",\"patient\":\"alice\"}" "$B/sandbox/token" | sed 's/.*"access_token":"\([^"]*\)".*/\1/'; }
first() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; } # of a member's values, in a JSON text
DURAND=$(token dr-durand)
alice=$(curl -sf "$B/sandbox/cast" | grep -o '"name":"alice","record":"[^"]*"' | cut -d'"' -f8)

# 1. Her documents (ITI-67); the answer holds those that this reader may see.
curl -sf -H "Authorization: Bearer $DURAND" "$B/fhir/DocumentReference?patient=$alice&status=current&_count=5" > trouvés.json
echo "documents : $(grep -o '"total":[0-9]*' trouvés.json | cut -d: -f2)"

# 2. One of them (ITI-68), at the address that the search gives, checked by its hash.
url=$(grep -o '"url":"[^"]*/Binary/[^"]*"' trouvés.json | head -1 | cut -d'"' -f4)
hash=$(grep -o '"hash":"[^"]*"' trouvés.json | head -1 | cut -d'"' -f4)
curl -sf -H "Authorization: Bearer $DURAND" "$url" > document
[ "$(openssl dgst -sha1 -binary document | base64)" = "$hash" ] && echo "lu : $(wc -c < document | tr -d ' ') octets, empreinte conforme"

# 3. A new one (ITI-105): what its CDA header says need not be said again.
cat > publication.json <<JSON
{"resourceType":"DocumentReference","status":"current",
 "masterIdentifier":{"use":"usual","system":"urn:ietf:rfc:3986","value":"urn:oid:2.25.$(od -An -N7 -tu8 /dev/urandom | tr -d ' ')"},
 "type":{"coding":[{"system":"http://loinc.org","code":"15508-5","display":"CR d'accouchement"}]},
 "subject":{"reference":"Patient/$alice"}, "date":"2026-11-21T07:00:00Z",
 "author":[{"identifier":{"system":"urn:oid:1.2.250.1.71.4.2.1","value":"899900001324"},"display":"LECLERCQ Hugo"}],
 "custodian":{"identifier":{"system":"urn:oid:1.2.250.1.71.4.2.2","value":"1599990017"}},
 "content":[{"attachment":{"contentType":"text/xml","title":"Compte rendu d'accouchement","data":"$(base64 < "$CDA" | tr -d '\n')"}}]}
JSON
curl -sf -D réponse -o /dev/null -H "Authorization: Bearer $(token dr-hopital)" -H 'Content-Type: application/fhir+json' --data-binary @publication.json "$B/fhir/DocumentReference"
echo "publié : $(grep -i '^location:' réponse | sed 's|.*/fhir/||; s|/_history.*||')"

# 4. Her vaccinations, in XML for once.
curl -sf -H "Authorization: Bearer $DURAND" "$B/fhir/Immunization?patient=$alice&_format=xml" > vaccinations.xml
echo "vaccinations : $(grep -o '<total value="[0-9]*"' vaccinations.xml | cut -d'"' -f2)"

# 5. A refusal says what is wrong, and how to mend it, in an OperationOutcome.
status=$(curl -s -o refus.json -w '%{http_code}' -H "Authorization: Bearer $(token dr-bloque)" "$B/fhir/DocumentReference?patient=$alice")
echo "refus : $status $(first code < refus.json) $(grep -o '"code":"ACC-[0-9]*"' refus.json | cut -d'"' -f4) $(first text < refus.json)"
