# Sourced: sets CLASSPATH to the jars of pom.xml, from Maven's local repository or, when
# they are not all there, from where this machine's Maven gets its own. False, with the
# reason said, when Java or Maven is absent or the jars cannot be had.
for tool in java mvn; do
  command -v $tool >/dev/null 2>&1 || { echo "java : $tool absent (Java ≥ 17 et Maven)"; return 1; }
done
classpath=$(mktemp) || return 1
resolve() { mvn -q "$@" -f conformance/java/pom.xml org.apache.maven.plugins:maven-dependency-plugin:2.8:build-classpath -Dmdep.outputFile="$classpath" >/dev/null 2>&1; }
resolve -o || resolve || { rm -f "$classpath"; echo "java : les bibliothèques de conformance/java/pom.xml ne sont pas joignables"; return 1; }
CLASSPATH=$(cat "$classpath"); rm -f "$classpath"
