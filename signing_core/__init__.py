"""Sealtrail's domain: three-phase signing, sealing, verification and the audit log."""
