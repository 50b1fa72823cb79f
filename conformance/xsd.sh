#!/bin/sh
# Validates the WSDL page and the messages of a running sandbox against the IHE and
# ebXML schemas, when xmllint and the schemas of ../shared/ihe are there.
cd "$(dirname "$0")/.." || exit 1
schemas=../shared/ihe/wsdl/schema/ebRS30
command -v xmllint >/dev/null 2>&1 || { echo "xsd: xmllint absent (paquet libxml2-utils) : non vérifié"; exit 0; }
[ -d "$schemas" ] || { echo "xsd: ../shared/ihe absent : non vérifié"; exit 0; }
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
PASSERELLE_XSD_OUT="$out" go test -count=1 -run TestEmittedMessages ./xds/ebrim || exit 1
PASSERELLE_XSD_OUT="$out" go test -count=1 -run TestEmittedAuditMessages ./atna || exit 1
PASSERELLE_XSD="$(pwd)/../shared/ihe/wsdl/schema" go test -count=1 -run TestMediumByOthers ./xds/xdm || exit 1
failed=0
for f in "$out"/*.xml; do
  case $(basename "$f") in
    query-*) schema=query.xsd ;;
    submit-*) schema=lcm.xsd ;;
    audit-*) schema=../../../atna/dicom2017c.xsd ;;
    *) schema=rs.xsd ;;
  esac
  xmllint --nonet --noout --schema "$schemas/$schema" "$f" >/dev/null 2>"$out/log" || { echo "$f"; cat "$out/log"; failed=1; }
done
[ $failed = 0 ] && echo "xsd: $(ls "$out"/*.xml | wc -l) messages valides"
exit $failed
