"""The workbench: labelling jobs in the browser, on the contracts of Ground Truth."""
