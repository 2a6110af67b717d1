"""What a value can be: patterns, names and dictionaries as data; code only for checksums."""
