import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.DefaultProfileValidationSupport;
import ca.uhn.fhir.context.support.IValidationSupport.IssueSeverity;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.ResultSeverityEnum;
import ca.uhn.fhir.validation.SingleValidationMessage;
import ca.uhn.fhir.validation.ValidationOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.hl7.fhir.common.hapi.validation.support.CommonCodeSystemsTerminologyService;
import org.hl7.fhir.common.hapi.validation.support.InMemoryTerminologyServerValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.SnapshotGeneratingValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.UnknownCodeSystemWarningValidationSupport;
import org.hl7.fhir.common.hapi.validation.support.ValidationSupportChain;
import org.hl7.fhir.common.hapi.validation.validator.FhirInstanceValidator;
import org.hl7.fhir.r4.model.MetadataResource;

/**
 * Validates what the face served with the validator of HL7, against R4, the profiles
 * that a resource claims, and those that the index names besides.
 *
 * <p>Arguments: the folder that TestServedResources wrote (index.tsv: file, kind, more
 * profiles), known.tsv, and folders of profiles as JSON. It ends with 1 when there is an
 * error that known.tsv does not explain, or an explanation that explains nothing.
 */
public class Validate {
  record Known(Pattern message, String reason, int[] used) {}

  static final class Row {
    int json, xml, errors, known, warnings;
  }

  public static void main(String[] args) throws IOException {
    Path served = Path.of(args[0]);
    List<Known> known = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of(args[1]))) {
      if (!line.isBlank() && !line.startsWith("#")) {
        String[] cell = line.split("\t");
        known.add(new Known(Pattern.compile(cell[0]), cell[1], new int[1]));
      }
    }
    FhirContext r4 = FhirContext.forR4();
    PrePopulatedValidationSupport profiles = new PrePopulatedValidationSupport(r4);
    int loaded = 0;
    for (int i = 2; i < args.length; i++) {
      for (Path p : list(Path.of(args[i]))) {
        if (r4.newJsonParser().parseResource(Files.readString(p)) instanceof MetadataResource definition) {
          profiles.addResource(definition);
          loaded++;
        }
      }
    }
    FhirValidator validator = validator(r4, profiles, loaded > 0);
    Map<String, Row> table = new TreeMap<>();
    List<String> findings = new ArrayList<>();
    for (String line : Files.readAllLines(served.resolve("index.tsv"))) {
      String[] cell = line.split("\t", -1);
      Row row = table.computeIfAbsent(cell[1], k -> new Row());
      if (cell[0].endsWith(".xml")) row.xml++;
      else row.json++;
      ValidationOptions options = new ValidationOptions();
      for (String profile : cell[2].split(" ")) {
        if (loaded > 0 && !profile.isEmpty()) options.addProfile(profile);
      }
      for (SingleValidationMessage m : validator.validateWithResult(Files.readString(served.resolve(cell[0])), options).getMessages()) {
        if (m.getSeverity().ordinal() < ResultSeverityEnum.ERROR.ordinal()) {
          if (m.getSeverity() == ResultSeverityEnum.WARNING) row.warnings++;
          if (System.getenv("WARNINGS") != null) System.out.println(m.getSeverity() + " " + cell[0] + " " + m.getLocationString() + ": " + m.getMessage());
          continue;
        }
        String text = m.getMessageId() + " " + m.getLocationString() + ": " + m.getMessage();
        if (explained(known, text)) {
          row.known++;
        } else {
          row.errors++;
          findings.add(cell[0] + " " + text);
        }
      }
    }
    System.out.printf("%-58s %5s %5s %7s %7s %9s%n", "", "JSON", "XML", "errors", "known", "warnings");
    int files = 0;
    for (Map.Entry<String, Row> e : table.entrySet()) {
      Row r = e.getValue();
      files += r.json + r.xml;
      System.out.printf("%-58s %5d %5d %7d %7d %9d%n", e.getKey(), r.json, r.xml, r.errors, r.known, r.warnings);
    }
    for (Known k : known) {
      if (k.used[0] == 0 && loaded > 0) findings.add("known.tsv: nothing needs " + k.message + " any more");
      else if (k.used[0] > 0) System.out.printf("known, %d times: %s%n", k.used[0], k.reason);
    }
    findings.forEach(System.out::println);
    System.out.printf("validate: %d messages, %d definitions of profiles, %d errors%n", files, loaded, findings.size());
    System.exit(findings.isEmpty() ? 0 : 1);
  }

  static FhirValidator validator(FhirContext r4, PrePopulatedValidationSupport profiles, boolean strict) {
    UnknownCodeSystemWarningValidationSupport unknown = new UnknownCodeSystemWarningValidationSupport(r4);
    unknown.setNonExistentCodeSystemSeverity(IssueSeverity.WARNING);
    FhirInstanceValidator instance = new FhirInstanceValidator(new ValidationSupportChain(
        new DefaultProfileValidationSupport(r4), profiles, new SnapshotGeneratingValidationSupport(r4),
        new CommonCodeSystemsTerminologyService(r4), new InMemoryTerminologyServerValidationSupport(r4), unknown));
    instance.setErrorForUnknownProfiles(strict);
    instance.setAnyExtensionsAllowed(true);
    return r4.newValidator().registerValidatorModule(instance);
  }

  static boolean explained(List<Known> known, String text) {
    for (Known k : known) {
      if (k.message.matcher(text).find()) {
        k.used[0]++;
        return true;
      }
    }
    return false;
  }

  static List<Path> list(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.filter(p -> p.toString().endsWith(".json")).sorted().toList();
    }
  }
}
