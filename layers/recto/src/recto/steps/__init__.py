"""The steps: core plus ports given as arguments. No environment, no boto3, no clock of their own."""
