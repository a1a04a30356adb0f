"""Recto on one machine: the AWS emulator, stand-ins for AI services, and what starts and stops them."""
