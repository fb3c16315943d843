"""What audits in notebooks start from: the archive verified, notebooks run and kept as evidence."""
