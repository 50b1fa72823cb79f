import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.DataFormatException;
import ca.uhn.fhir.parser.IParser;
import ca.uhn.fhir.parser.StrictErrorHandler;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Reads pairs NAME.json and NAME.xml of a folder with HAPI's strict parsers: both must be the same
 * resource. Leaves HAPI's own XML of each as NAME.hapi.xml, for the product's reader.
 */
public class Encodings {
  public static void main(String[] args) throws Exception {
    FhirContext r4 = FhirContext.forR4();
    IParser json = r4.newJsonParser().setParserErrorHandler(new StrictErrorHandler());
    IParser xml = r4.newXmlParser().setParserErrorHandler(new StrictErrorHandler());
    for (IParser p : List.of(json, xml)) { // or HAPI makes ids of fullUrls and takes versions off references
      p.setOverrideResourceIdWithBundleEntryFullUrl(false).setStripVersionsFromReferences(false);
    }
    List<Path> files;
    try (var all = Files.list(Path.of(args[0]))) {
      files = all.filter(p -> p.toString().endsWith(".json")).sorted().toList();
    }
    int same = 0, different = 0, refused = 0;
    for (Path file : files) {
      String name = file.toString().replaceAll("\\.json$", "");
      String original;
      try {
        var resource = json.parseResource(Files.readString(file));
        original = json.encodeResourceToString(resource);
        Files.writeString(Path.of(name + ".hapi.xml"), xml.encodeResourceToString(resource));
      } catch (DataFormatException e) { // an example that HAPI itself refuses as JSON says nothing of our XML
        refused++;
        continue;
      }
      String ours;
      try {
        ours = json.encodeResourceToString(xml.parseResource(Files.readString(Path.of(name + ".xml"))));
      } catch (DataFormatException e) {
        ours = e.getMessage();
      }
      if (plain(original).equals(plain(ours))) {
        same++;
      } else {
        different++;
        System.out.println(file.getFileName() + "\n  JSON " + original + "\n  XML  " + ours);
      }
    }
    System.out.println("exemples : HAPI lit le même en JSON et en XML pour " + same + ", autre chose pour " + different + ", et refuse " + refused + " JSON");
    System.exit(different == 0 && same > 0 ? 0 : 1);
  }

  /** Numbers without exponent: HAPI keeps the text of a decimal of XML, and not that of one of JSON. */
  private static String plain(String json) {
    return Pattern.compile("(?<=[:\\[,])-?\\d+(\\.\\d+)?[eE][+-]?\\d+").matcher(json).replaceAll(m -> new BigDecimal(m.group()).toPlainString());
  }
}
