// Package atna writes audit messages (ITI-20 Record Audit Event): the AuditMessage of
// DICOM PS3.15 A.5 in the form of the IHE schema, the syslog frame of RFC 5424, and
// its transports, TLS (RFC 5425) and UDP (RFC 5426).
//
// What a message tells is said by one table, a row per transaction (events.go), after
// the sections "Security Audit Considerations" of ITI TF-2. A message carries the
// patient's identifier, as the standard asks: it goes to the audit repository, and
// nothing of it may ever stand in a log, a metric or an error text.
package atna
