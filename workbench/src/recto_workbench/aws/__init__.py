"""The workbench's adapters: beside `recto.aws`, the only place of the product that imports boto3."""
