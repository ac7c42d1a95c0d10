-- An installation's own lines, the newest first.
CREATE INDEX plugin_log_of ON plugin_log (installation, number);
