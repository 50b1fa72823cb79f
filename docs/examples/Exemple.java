import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.client.api.ServerValidationModeEnum;
import ca.uhn.fhir.rest.client.interceptor.BearerTokenAuthInterceptor;
import ca.uhn.fhir.rest.server.exceptions.ForbiddenOperationException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Random;
import java.util.regex.Pattern;
import org.hl7.fhir.r4.model.*;

/**
 * A client of the FHIR face with HAPI FHIR (hapi-fhir-client and hapi-fhir-structures-r4, as
 * in conformance/java/pom.xml). Usage: make run in another terminal, then
 * java -cp "$CLASSPATH" docs/examples/Exemple.java
 */
public class Exemple {
  static final String BASE = System.getenv().getOrDefault("B", "http://127.0.0.1:8080");
  static final HttpClient HTTP = HttpClient.newHttpClient();
  static final FhirContext R4 = FhirContext.forR4();

  /** The sandbox mints tokens; in production they come from the identity provider. */
  static String token(String as) throws Exception {
    var body = HttpRequest.BodyPublishers.ofString("{\"as\":\"" + as + "\",\"patient\":\"alice\"}");
    return member(HttpRequest.newBuilder(URI.create(BASE + "/sandbox/token")).POST(body).build(), "\"access_token\":\"([^\"]*)\"");
  }

  static String member(HttpRequest request, String pattern) throws Exception {
    var m = Pattern.compile(pattern).matcher(HTTP.send(request, BodyHandlers.ofString()).body());
    if (!m.find()) throw new IllegalStateException(pattern);
    return m.group(1);
  }

  static IGenericClient client(String token) {
    IGenericClient client = R4.newRestfulGenericClient(BASE + "/fhir");
    client.registerInterceptor(new BearerTokenAuthInterceptor(token));
    return client;
  }

  static Identifier identifier(String system, String value) {
    return new Identifier().setSystem(system).setValue(value);
  }

  public static void main(String[] args) throws Exception {
    R4.getRestfulClientFactory().setServerValidationMode(ServerValidationModeEnum.NEVER); // one request less
    String alice = member(HttpRequest.newBuilder(URI.create(BASE + "/sandbox/cast")).build(), "\"name\":\"alice\",\"record\":\"([^\"]*)\"");
    String durand = token("dr-durand");
    IGenericClient reader = client(durand);

    // 1. Her documents (ITI-67); the answer holds those that this reader may see.
    Bundle found = reader.search().forResource(DocumentReference.class)
        .where(DocumentReference.PATIENT.hasId(alice)).and(DocumentReference.STATUS.exactly().code("current"))
        .count(5).returnBundle(Bundle.class).execute();
    System.out.println("documents : " + found.getTotal());

    // 2. One of them (ITI-68), at the address that the search gives, checked by its hash.
    Attachment attachment = ((DocumentReference) found.getEntryFirstRep().getResource()).getContentFirstRep().getAttachment();
    byte[] document = HTTP.send(HttpRequest.newBuilder(URI.create(attachment.getUrl())).header("Authorization", "Bearer " + durand).build(), BodyHandlers.ofByteArray()).body();
    if (!Arrays.equals(MessageDigest.getInstance("SHA-1").digest(document), attachment.getHash())) throw new IllegalStateException("empreinte différente");
    System.out.println("lu : " + document.length + " octets, empreinte conforme");

    // 3. A new one (ITI-105): what its CDA header says need not be said again.
    DocumentReference d = new DocumentReference();
    d.setMasterIdentifier(identifier("urn:ietf:rfc:3986", "urn:oid:2.25." + Math.abs(new Random().nextLong())));
    d.setStatus(Enumerations.DocumentReferenceStatus.CURRENT);
    d.setType(new CodeableConcept(new Coding("http://loinc.org", "15508-5", "CR d'accouchement")));
    d.setSubject(new Reference("Patient/" + alice));
    d.setDateElement(new InstantType("2026-11-21T07:00:00Z"));
    d.addAuthor(new Reference().setIdentifier(identifier("urn:oid:1.2.250.1.71.4.2.1", "899900001324")).setDisplay("LECLERCQ Hugo"));
    d.setCustodian(new Reference().setIdentifier(identifier("urn:oid:1.2.250.1.71.4.2.2", "1599990017")));
    d.addContent().getAttachment().setContentType("text/xml").setTitle("Compte rendu d'accouchement")
        .setData(Files.readAllBytes(Path.of(System.getenv().getOrDefault("CDA", "testdata/cda/cr-accouchement.xml"))));
    MethodOutcome published = client(token("dr-hopital")).create().resource(d).execute();
    System.out.println("publié : " + published.getId().toUnqualifiedVersionless().getValue());

    // 4. Her vaccinations.
    Bundle vaccinations = reader.search().forResource(Immunization.class).where(Immunization.PATIENT.hasId(alice)).returnBundle(Bundle.class).execute();
    System.out.println("vaccinations : " + vaccinations.getTotal());

    // 5. A refusal says what is wrong, and how to mend it, in an OperationOutcome.
    try {
      client(token("dr-bloque")).search().forResource(DocumentReference.class).where(DocumentReference.PATIENT.hasId(alice)).returnBundle(Bundle.class).execute();
      throw new IllegalStateException("un professionnel bloqué a lu");
    } catch (ForbiddenOperationException refusal) {
      var issue = ((OperationOutcome) refusal.getOperationOutcome()).getIssueFirstRep();
      System.out.println("refus : " + refusal.getStatusCode() + " " + issue.getCode().toCode() + " " + issue.getDetails().getCodingFirstRep().getCode() + " " + issue.getDetails().getText());
    }
  }
}
