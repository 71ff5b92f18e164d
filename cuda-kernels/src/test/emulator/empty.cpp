// A library of which only the name matters.
