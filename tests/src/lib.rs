//! Tests only, under `tests/`: see each file's first lines.
