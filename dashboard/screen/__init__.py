"""What is drawn in Streamlit: the page, its bar, its tables and the forms on it; nothing else imports it."""
