"""Reading and writing: file systems, image bytes, CSV rows, records."""
