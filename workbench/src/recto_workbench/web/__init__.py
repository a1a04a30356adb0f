"""The workbench's web process: pages, API, sign-in, frames. It keeps no state and does no background work."""
