"""What every other package stands on: errors, tables, provenance, files. Imports nothing of ours, and no torch."""
