// Package readable makes of a document what a person can read: the body of a CDA R2
// (HL7 CDA R2 §4.3, narrative block §4.3.5) as safe HTML, or the file that a level 1
// body carries, with a summary of the header.
//
// What comes out was rebuilt, not cleaned: every tag and attribute is written by this
// package, from a short list, and of the source only escaped text gets in between. No
// style, no script, no address of the source becomes one of the page; a link is its
// text and its address as text. A stylesheet that the document names is not followed.
// A picture is embedded as data when its bytes are what they are said to be.
//
// What a document holds beyond the list is shown as its text, and what could not be
// shown at all is told by Document.Omitted: a reader must never take a part for the
// whole. Everything is bounded: the source by the caller, elements and depth by the
// gate, the page by maxHTML.
package readable
