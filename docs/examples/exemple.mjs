// A client of the FHIR face in JavaScript, Node 18 or later, without a dependency.
// Usage: make run in another terminal, then node docs/examples/exemple.mjs
import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";

const base = process.env.B ?? "http://127.0.0.1:8080";
const fhir = base + "/fhir";

// call sends a request; what is refused is thrown as the gateway tells it.
async function call(url, token, options = {}) {
  const answer = await fetch(url, {
    ...options,
    headers: { Accept: "application/fhir+json", ...(token && { Authorization: `Bearer ${token}` }), ...options.headers },
  });
  if (!answer.ok) throw Object.assign(new Error(answer.statusText), { status: answer.status, outcome: await answer.json() });
  return answer;
}
const json = async (url, token, options) => (await call(url, token, options)).json();

// token is minted by the sandbox; in production it comes from the identity provider.
async function token(as) {
  const minted = await json(base + "/sandbox/token", null, { method: "POST", body: JSON.stringify({ as, patient: "alice" }) });
  return minted.access_token;
}

const cast = await json(base + "/sandbox/cast");
const alice = cast.patients.find((p) => p.name === "alice").record;
const durand = await token("dr-durand");

// 1. Her documents (ITI-67); the answer holds those that this reader may see.
const found = await json(`${fhir}/DocumentReference?patient=${alice}&status=current&_count=5`, durand);
console.log("documents :", found.total);

// 2. One of them (ITI-68), at the address that the search gives, checked by its hash.
const attachment = found.entry[0].resource.content[0].attachment;
const document = Buffer.from(await (await call(attachment.url, durand, { headers: { Accept: "*/*" } })).arrayBuffer());
if (createHash("sha1").update(document).digest("base64") !== attachment.hash) throw new Error("empreinte différente");
console.log(`lu : ${document.length} octets, empreinte conforme`);

// 3. A new one (ITI-105): what its CDA header says need not be said again.
const cda = await readFile(process.env.CDA ?? "testdata/cda/cr-accouchement.xml");
const identifier = (system, value) => ({ system, value });
const published = await call(fhir + "/DocumentReference", await token("dr-hopital"), {
  method: "POST",
  headers: { "Content-Type": "application/fhir+json" },
  body: JSON.stringify({
    resourceType: "DocumentReference",
    masterIdentifier: identifier("urn:ietf:rfc:3986", "urn:oid:2.25." + randomBytes(8).readBigUInt64BE()),
    status: "current",
    type: { coding: [{ system: "http://loinc.org", code: "15508-5", display: "CR d'accouchement" }] },
    subject: { reference: "Patient/" + alice },
    date: "2026-11-21T07:00:00Z",
    author: [{ identifier: identifier("urn:oid:1.2.250.1.71.4.2.1", "899900001324"), display: "LECLERCQ Hugo" }],
    custodian: { identifier: identifier("urn:oid:1.2.250.1.71.4.2.2", "1599990017") },
    content: [{ attachment: { contentType: "text/xml", title: "Compte rendu d'accouchement", data: cda.toString("base64") } }],
  }),
});
console.log("publié :", published.headers.get("location").replace(fhir + "/", "").replace(/\/_history.*/, ""));

// 4. Her vaccinations.
console.log("vaccinations :", (await json(`${fhir}/Immunization?patient=${alice}`, durand)).total);

// 5. A refusal says what is wrong, and how to mend it, in an OperationOutcome.
try {
  await json(`${fhir}/DocumentReference?patient=${alice}`, await token("dr-bloque"));
  throw new Error("un professionnel bloqué a lu");
} catch (refusal) {
  if (!refusal.outcome) throw refusal;
  const [issue] = refusal.outcome.issue;
  console.log("refus :", refusal.status, issue.code, issue.details.coding[0].code, issue.details.text);
}
