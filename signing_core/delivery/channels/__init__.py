"""The ways out: SMTP, two kinds of SMS gateway, and the outbox folder that needs nothing."""
