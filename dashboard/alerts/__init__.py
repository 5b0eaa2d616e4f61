"""Alerts: a person's rules, judged as pages judge, and told by e-mail or webhook."""
