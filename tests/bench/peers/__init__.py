"""The page Bookings made with other frameworks, for tests/bench/test_peers.py; run in an environment of their own."""
