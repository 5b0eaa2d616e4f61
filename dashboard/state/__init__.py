"""What the dashboard remembers beside the extract: users, sessions, failed sign-ins, the audit record."""

from dashboard.state.database import StateError
from dashboard.state.seats import SessionsFullError
from dashboard.state.sessions import session_key
from dashboard.state.store import Store, shared_store, store_in_force
from dashboard.state.users import UserRecord

__all__ = ["SessionsFullError", "StateError", "Store", "UserRecord", "session_key", "shared_store", "store_in_force"]
