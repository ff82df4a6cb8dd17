//! Messages: framing, access, edits, printing.
