package main

import "fmt"

// method is the end of BENCHMARKS.md: how the figures were made, and how to make others.
var method = fmt.Sprintf(`
## How it is measured

- **Gateway.** The binary of `+"`make build`"+`, as `+"`passerelle sandbox`"+`: real PostgreSQL with its durable settings, documents in a folder with
  fsync, signed VIHF and bearer tokens, the French policy, the trail. Every request names one of up to %d patients, each under an assertion of
  his own that the gateway has verified before, as the software of a practice reuses its VIHF.
- **Yardstick.** A plain Go HTTP server on the same PostgreSQL. When it starts it runs one request of each kind through the gateway's own code
  and records every statement with its arguments; from then on it drains the request, sends these statements for another patient and under
  new ids (trail row and COMMIT included), scans all rows into typed variables, writes the blob for ITI-41 (temporary file, fsync, link,
  fsync of the folder; the whole message, unparsed and unhashed), and answers as many bytes as the gateway did. No XML, no JSON, no
  signature, no policy. It cannot drift from the gateway: what the gateway no longer sends, it no longer sends either. That is why a second,
  harder reading stands beside it: the same statements with each transaction in one round trip, and early looks that end in a rollback left out.
- **Registry.** %d documents for each patient: one deposited through ITI-41, one document a lot, the others copied from him in SQL, byte for byte but for the
  ids, in the order of arrival (a patient's rows lie apart). %d types of %d documents; of the type that is asked for the reader sees %d, the others are masked.
- **Clients** are one Go program with kept connections, on the same machine: their cost falls on both sides alike and draws ratios towards 1.
- **Rounds.** One round of each side to warm up, then A B A B …; a ratio is that of two neighbouring rounds, the figure the median, the spread the
  lowest and highest.
- **Copy.** ITI-43 and ITI-68 stand against the loop that sends their statements, trail and COMMIT included, and then copies a file of the same size to
  the socket: io.Copy, hence sendfile(2). The bare copy, without a statement, stands beside it.
- **Java.** No independent XDS registry and repository in Java was at hand on this machine: none was measured in this run.
- **Filter.** The same code twice, under the French policy and under a policy of one rule that permits everything: the same rows come back, the difference is
  the filter. Facts, trail and the second look in Go are on both sides.
- **Memory** is the kernel's high-water mark of resident memory (VmHWM), set back before each act.
- **Growth** asks the same search for the same %d patients at each size.

## How to profile

`+"`go run ./bench -only iti18 -pprof DIR`"+` runs the gateway's code inside the bench with the pages of net/http/pprof and leaves, for each comparison,
`+"`DIR/iti18.pprof`"+` and its `+"`-top`"+` as text, by flat and by cumulated time. The product's binary serves no profile.
`+"`-data DIR`"+` keeps the loaded registry and uses it again. Go's micro-benchmarks: `+"`make bench-micro`"+`. Other FHIR servers: [bench/peers.md](bench/peers.md).
`, maxReaders, perPatient, typesPerPatient, visiblePerType+maskedPerType, visiblePerType, 50)
