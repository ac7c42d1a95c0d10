-- What became of one credential is asked for by the credential.
CREATE INDEX rotation_lines_item ON rotation_lines (item);
