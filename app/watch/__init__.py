"""The system watches itself."""
