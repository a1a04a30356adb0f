"""The only place that imports boto3: one adapter a service, each translating its errors to Recto's."""
