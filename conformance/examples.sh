#!/bin/sh
# The examples that HL7 publishes of the resources that the gateway reads, and those of
# the profiles beside the clone: the same in JSON and XML by our reader and writer, by the
# XML schemas of R4 (xmllint) and by HAPI. They are fetched once, into the user's cache.
cd "$(dirname "$0")/.." || exit 1
package=hl7.fhir.r4.examples@4.0.1
cache=${XDG_CACHE_HOME:-$HOME/.cache}/passerelle/r4-examples-4.0.1
if [ ! -d "$cache/package" ] && command -v npm >/dev/null 2>&1; then
  mkdir -p "$cache" && (cd "$cache" && npm pack --silent "$package" >/dev/null 2>&1 && tar xzf hl7.fhir.r4.examples-4.0.1.tgz && rm -f ./*.tgz)
fi
shared=${PASSERELLE_SHARED:-../shared}
folders=
[ -d "$cache/package" ] && folders=$cache/package || echo "exemples : $package absent (npm et un réseau le rendent) : non vérifié"
for folder in balp-1.1.4 mhd-4.2.3 pdsm-3.1.1 pdsm4dmp-0.1.0; do
  [ -d "$shared/fhir/$folder/examples" ] && folders=$folders${folders:+:}$shared/fhir/$folder/examples
done
[ -n "$folders" ] || exit 0
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
export PASSERELLE_XML_OUT="$out"
case $shared in /*) ;; *) folders=$(echo "$folders" | sed "s|$shared|$(pwd)/$shared|g") ;; esac
PASSERELLE_EXAMPLES="$folders" go test -count=1 -run 'TestExamples$' ./fhir || exit 1

. conformance/java/classpath.sh || { echo "exemples : non vérifiés par HAPI ni par les schémas"; exit 0; }
schemas=$(echo "$CLASSPATH" | tr : '\n' | grep hapi-fhir-validation-resources-r4)
if command -v xmllint >/dev/null 2>&1 && command -v unzip >/dev/null 2>&1; then
  unzip -q -j "$schemas" 'org/hl7/fhir/r4/model/schema/*.xsd' -d "$out/xsd" || exit 1
  xmllint --nonet --noout --schema "$out/xsd/fhir-single.xsd" "$out"/*.xml 2>"$out/log" 
  # A hash whose unused bits are not zero is base64 for R4 and none for XML Schema: one example has it.
  grep ': Schemas validity error' "$out/log" | grep -v 'base64Binary-primitive' && exit 1
  echo "exemples : $(grep -c 'validates$' "$out/log") de $(ls "$out"/*.xml | wc -l) valides selon les schémas XML de R4 (une empreinte aux bits inutiles mise à part)"
else
  echo "exemples : xmllint ou unzip absent : schémas XML non vérifiés"
fi
java -cp "$CLASSPATH" conformance/java/Encodings.java "$out" || exit 1
go test -count=1 -run TestExamplesByOthers ./fhir
