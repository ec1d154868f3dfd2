//! What every Lambda step shares.
