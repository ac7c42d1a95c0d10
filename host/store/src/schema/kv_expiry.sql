-- When a plugin's value is over, in milliseconds since 1970; NULL: not before it is removed.
ALTER TABLE kv ADD COLUMN expires INTEGER;
CREATE INDEX kv_expires ON kv (tenant, installation, expires) WHERE expires IS NOT NULL;
