-- tenant: whose the request was about; NULL: nobody's own, or from before that was known. What was answered before is not kept any
-- longer: nobody can say whose it is.
ALTER TABLE idempotency ADD COLUMN tenant TEXT;
UPDATE idempotency SET answer = json_set(answer, '$.body', NULL, '$.headers', json('[]')) WHERE answer IS NOT NULL;
CREATE INDEX idempotency_by_tenant ON idempotency (tenant) WHERE tenant IS NOT NULL;

-- Without it each event that goes would be looked for among all deliveries.
CREATE INDEX deliveries_event ON deliveries (event);

-- settled: what the host keeps was looked through once more after the last part was settled. awaits: deliveries of the tenant that were
-- under way when it was closed, as a JSON list: the last look waits for them. emptied_by: the request to erase the same person.
ALTER TABLE privacy_requests ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE privacy_requests ADD COLUMN awaits TEXT;
ALTER TABLE privacy_requests ADD COLUMN emptied_by TEXT;

-- Tenants that were deleted, or are being: their ids are not given again (DAT-11). entry: the one that put it on record. found: what there was of
-- it, as JSON. ended: when nothing of it was left. generations: those of its installations, and one more: the revision of installations
-- goes on from there.
CREATE TABLE tenant_deletions (
  tenant TEXT PRIMARY KEY,
  begun INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  found TEXT NOT NULL,
  ended INTEGER,
  told TEXT,
  generations INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

-- Nothing of theirs is taken any more, from the moment on that their deletion is on record. What comes by itself, such as a line of a log, is
-- not kept; whoever asks for something is told why not.
-- Those that there are come to their end, and to nothing else.
CREATE TRIGGER installations_of_nobody BEFORE INSERT ON installations
  WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  AND NOT (json_extract(NEW.body, '$.state') IN ('uninstalled', 'erased') AND EXISTS (SELECT 1 FROM installations WHERE id = NEW.id))
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER sources_of_nobody BEFORE INSERT ON sources WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = json_extract(NEW.body, '$.tenant'))
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER events_of_nobody BEFORE INSERT ON events WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER kv_of_nobody BEFORE INSERT ON kv WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
-- What is left of those that are ended and are still to be revoked where they were issued.
CREATE TRIGGER secrets_of_nobody BEFORE INSERT ON secrets
  WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant) AND NOT EXISTS
    (SELECT 1 FROM secrets WHERE tenant = NEW.tenant AND installation = NEW.installation AND name = NEW.name)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER data_keys_of_nobody BEFORE INSERT ON data_keys WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER consents_of_nobody BEFORE INSERT ON consents WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER backends_of_nobody BEFORE INSERT ON backends WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER oauth_clients_of_nobody BEFORE INSERT ON oauth_clients WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER oauth_pending_of_nobody BEFORE INSERT ON oauth_pending WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER oauth_grants_of_nobody BEFORE INSERT ON oauth_grants WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER misbehaviours_of_nobody BEFORE INSERT ON misbehaviours WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER people_members_of_nobody BEFORE INSERT ON people_members WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.place)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER people_invitations_of_nobody BEFORE INSERT ON people_invitations WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.place)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER people_roles_of_nobody BEFORE INSERT ON people_roles WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER people_support_of_nobody BEFORE INSERT ON people_support WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER people_settings_of_nobody BEFORE INSERT ON people_settings WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.place)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER automations_of_nobody BEFORE INSERT ON automations WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER duty_profiles_of_nobody BEFORE INSERT ON duty_profiles WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER duty_attestations_of_nobody BEFORE INSERT ON duty_attestations WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER duty_risks_of_nobody BEFORE INSERT ON duty_risks WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER privacy_requests_of_nobody BEFORE INSERT ON privacy_requests WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER alert_endpoints_of_nobody BEFORE INSERT ON alert_endpoints WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.owner)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER alert_mutes_of_nobody BEFORE INSERT ON alert_mutes WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(ABORT, 'this tenant was deleted, and its id is not given again; choose another'); END;
CREATE TRIGGER plugin_log_of_nobody BEFORE INSERT ON plugin_log WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER budget_use_of_nobody BEFORE INSERT ON budget_use WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER kv_use_of_nobody BEFORE INSERT ON kv_use WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER suspensions_of_nobody BEFORE INSERT ON suspensions WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER duty_postures_of_nobody BEFORE INSERT ON duty_postures WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER highest_releases_of_nobody BEFORE INSERT ON highest_releases WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER idempotency_of_nobody BEFORE INSERT ON idempotency WHEN EXISTS (SELECT 1 FROM tenant_deletions WHERE tenant = NEW.tenant)
  BEGIN SELECT RAISE(IGNORE); END;
