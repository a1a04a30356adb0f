"""What the workbench does: the core and the ports that are passed in."""
