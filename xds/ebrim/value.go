package ebrim

import (
	"strconv"

	"github.com/passerelle-sante/passerelle/xds"
)

// assign puts one text into the value that an At pointer holds; it says what is
// wrong with the text, "" when nothing is.
func assign(at any, text string) (expected string) {
	switch p := at.(type) {
	case *string:
		*p = text
	case *xds.Status:
		*p = xds.Status(text)
	case *xds.CX:
		*p = xds.CX(text)
	case *xds.XCN:
		*p = xds.XCN(text)
	case *xds.DTM:
		*p = xds.DTM(text)
	case *[]string:
		*p = append(*p, text)
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return "un nombre entier positif"
		}
		*p = n
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return "un nombre d'octets"
		}
		*p = n
	}
	return ""
}

// single reads what an At pointer holds as one text, "" when it is absent.
func single(at any) string {
	switch p := at.(type) {
	case *string:
		return *p
	case *xds.Status:
		return string(*p)
	case *xds.CX:
		return string(*p)
	case *xds.XCN:
		return string(*p)
	case *xds.DTM:
		return string(*p)
	case *int:
		if *p != 0 {
			return strconv.Itoa(*p)
		}
	case *int64:
		if *p != 0 {
			return strconv.FormatInt(*p, 10)
		}
	}
	return ""
}

// appendCode adds a decoded code to what an At pointer holds.
func appendCode(at any, c xds.Code) {
	switch p := at.(type) {
	case *xds.Code:
		*p = c
	case *[]xds.Code:
		*p = append(*p, c)
	}
}
