"""What the dashboard remembers beside the extract: users, sessions, failed sign-ins, the audit record."""

from dashboard.state.store import StateError, Store, UserRecord, session_key, shared_store

__all__ = ["StateError", "Store", "UserRecord", "session_key", "shared_store"]
