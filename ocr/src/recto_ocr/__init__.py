"""OCR engines beside Amazon Textract, in Textract's shape: over files, over folders, as a server."""
