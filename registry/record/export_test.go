package record

// Holdings are the tables that an erasing empties.
var Holdings = holdings
