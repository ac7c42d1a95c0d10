//! What is a tenant's own, by the name of its part: the one list, for whoever writes it out and for whoever deletes it.
//!
//! Invariants: each query names the tenant; no query for a file shows a secret, sealed or not, or a digest that a secret is known by; rows
//! go before those that they refer to, and installations last, since others are found by them; every column of the schema that has a
//! tenant's id is of a table in here.

/// One part.
pub(super) struct Part {
    /// Its name, and that of its file.
    pub name: &'static str,
    /// The query for its file; `None`: it is not written out, or with its installation.
    pub shown: Option<&'static str>,
    /// Tables, each with the condition for its rows, in the order in which they are deleted.
    pub rows: &'static [&'static str],
}

/// All of them, in the order in which they are deleted.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "deliveries",
        shown: Some("SELECT d.number, d.event, d.installation, d.lane, d.state, d.attempts, d.error FROM deliveries d
         JOIN events e ON e.number = d.event WHERE e.tenant = ?1 ORDER BY d.number"),
        rows: &["deliveries WHERE event IN (SELECT number FROM events WHERE tenant = ?1)"],
    },
    Part {
        name: "events",
        shown: Some("SELECT number, origin, source, id, body FROM events WHERE tenant = ?1 ORDER BY number"),
        rows: &["events WHERE tenant = ?1"],
    },
    Part {
        name: "alerts",
        shown: Some("SELECT number, rule, subject, severity, installation, first, last, count, state, body FROM alerts
         WHERE tenant = ?1 ORDER BY number"),
        rows: &["alert_sendings WHERE owner = ?1 OR alert IN (SELECT number FROM alerts WHERE tenant = ?1)", "alerts WHERE tenant = ?1", "alert_endpoints WHERE owner = ?1"],
    },
    Part {
        name: "mutes",
        shown: Some("SELECT number, rule, installation, until, entry, ended FROM alert_mutes WHERE tenant = ?1 ORDER BY number"),
        rows: &["alert_mutes WHERE tenant = ?1"],
    },
    Part {
        name: "sources",
        shown: Some("SELECT name, body FROM sources WHERE json_extract(body, '$.tenant') = ?1 ORDER BY name"),
        rows: &["source_keys WHERE source IN (SELECT name FROM sources WHERE json_extract(body, '$.tenant') = ?1)", "sources WHERE json_extract(body, '$.tenant') = ?1"],
    },
    Part {
        name: "backends",
        shown: Some("SELECT installation, generation, active, body FROM backends WHERE tenant = ?1 ORDER BY installation"),
        rows: &["backends WHERE tenant = ?1"],
    },
    Part {
        name: "connections",
        shown: Some("SELECT g.installation, g.name, g.generation, g.place, g.origin, g.issued, g.expires, g.retired, s.state
         FROM secret_generations g JOIN secrets s USING (tenant, installation, name) WHERE g.tenant = ?1
         ORDER BY g.installation, g.name, g.generation"),
        rows: &["secrets WHERE tenant = ?1", "connection_endings WHERE tenant = ?1"],
    },
    Part {
        name: "consents",
        shown: Some("SELECT id, open, json_remove(body, '$.link', '$.session', '$.state') AS body FROM consents WHERE tenant = ?1 ORDER BY id"),
        rows: &["consents WHERE tenant = ?1"],
    },
    Part {
        name: "clients",
        shown: Some("SELECT id, name, installation, live, body FROM oauth_clients WHERE tenant = ?1 ORDER BY number"),
        rows: &["oauth_tokens WHERE tenant = ?1", "oauth_grants WHERE tenant = ?1", "oauth_pending WHERE tenant = ?1", "oauth_clients WHERE tenant = ?1"],
    },
    Part {
        name: "suspensions",
        shown: Some("SELECT * FROM suspensions WHERE tenant = ?1"),
        rows: &["suspensions WHERE tenant = ?1"],
    },
    Part {
        name: "budgets",
        shown: Some("SELECT * FROM budget_use WHERE tenant = ?1"),
        rows: &["budget_use WHERE tenant = ?1"],
    },
    Part {
        name: "profiles",
        shown: Some("SELECT profile, body FROM duty_profiles WHERE tenant = ?1 ORDER BY profile"),
        rows: &["duty_profiles WHERE tenant = ?1"],
    },
    Part {
        name: "attestations",
        shown: Some("SELECT number, duty, party, latest, lapsed, body FROM duty_attestations WHERE tenant = ?1 ORDER BY number"),
        rows: &["duty_attestations WHERE tenant = ?1"],
    },
    Part {
        name: "risks",
        shown: Some("SELECT number, body FROM duty_risks WHERE tenant = ?1 ORDER BY number"),
        rows: &["duty_risks WHERE tenant = ?1"],
    },
    Part {
        name: "posture",
        shown: Some("SELECT line, state, since FROM duty_postures WHERE tenant = ?1 ORDER BY line"),
        rows: &["duty_postures WHERE tenant = ?1"],
    },
    Part {
        name: "people",
        shown: Some("SELECT p.id, iif(m.live = 1, p.email, NULL) AS email,
           iif(m.live = 1, json_remove(p.body, '$.devices', '$.subject'), NULL) AS person, m.role, m.until, m.live, m.body AS membership FROM people_members m
         JOIN people p ON p.id = m.person WHERE m.place = ?1 ORDER BY p.id"),
        rows: &["people_members WHERE place = ?1"],
    },
    Part {
        name: "automations",
        shown: Some("SELECT id, name, live, body FROM automations WHERE tenant = ?1 ORDER BY id"),
        rows: &["automation_tokens WHERE client IN (SELECT id FROM automations WHERE tenant = ?1)", "automations WHERE tenant = ?1"],
    },
    Part {
        name: "roles",
        shown: Some("SELECT name, live, body FROM people_roles WHERE tenant = ?1 ORDER BY name"),
        rows: &["people_roles WHERE tenant = ?1"],
    },
    Part {
        name: "support",
        shown: Some("SELECT id, until, live, body FROM people_support WHERE tenant = ?1 ORDER BY id"),
        rows: &["people_support WHERE tenant = ?1"],
    },
    Part {
        name: "settings",
        shown: Some("SELECT body FROM people_settings WHERE place = ?1"),
        rows: &["people_settings WHERE place = ?1"],
    },
    Part {
        name: "reports",
        shown: Some("SELECT id, resolved, body FROM misbehaviours WHERE tenant = ?1 ORDER BY number"),
        rows: &["misbehaviours WHERE tenant = ?1"],
    },
    Part {
        name: "request-parts",
        shown: Some("SELECT p.request, p.installation, p.plugin, p.state, p.ended, p.tries, p.records, p.note, p.data, p.contact, p.problem
         FROM privacy_parts p JOIN privacy_requests r ON r.id = p.request WHERE r.tenant = ?1 ORDER BY 1, 2"),
        rows: &["privacy_parts WHERE request IN (SELECT id FROM privacy_requests WHERE tenant = ?1)"],
    },
    Part {
        name: "requests",
        shown: Some("SELECT id, kind, stage, opened, deadline, closed, overdue, entry, person, erased FROM privacy_requests
         WHERE tenant = ?1 ORDER BY opened, id"),
        rows: &["privacy_requests WHERE tenant = ?1"],
    },
    Part {
        name: "invitations",
        shown: None,
        rows: &["people_invitations WHERE place = ?1"],
    },
    Part {
        name: "values",
        shown: None,
        rows: &["kv WHERE tenant = ?1", "kv_use WHERE tenant = ?1"],
    },
    Part {
        name: "log-lines",
        shown: None,
        rows: &["plugin_log WHERE tenant = ?1"],
    },
    Part {
        name: "answers",
        shown: None,
        rows: &["idempotency WHERE tenant = ?1"],
    },
    Part {
        name: "vault-keys",
        shown: None,
        rows: &["data_keys WHERE tenant = ?1"],
    },
    Part {
        name: "rotations",
        shown: None,
        rows: &["rotation_lines WHERE json_extract(body, '$.tenant') = ?1
     OR act IN (SELECT id FROM rotation_acts WHERE (json_extract(body, '$.extent.tenant') = ?1 OR json_extract(body, '$.extent.connection.tenant') = ?1
     OR json_extract(body, '$.extent.installation') IN (SELECT id FROM installations WHERE tenant = ?1)))", "rotation_acts WHERE (json_extract(body, '$.extent.tenant') = ?1 OR json_extract(body, '$.extent.connection.tenant') = ?1
     OR json_extract(body, '$.extent.installation') IN (SELECT id FROM installations WHERE tenant = ?1))", "rotation_policies WHERE scope = 'tenant:' || ?1 OR scope IN (SELECT 'installation:' || id FROM installations WHERE tenant = ?1)", "rotation_needed WHERE substr(item, instr(item, ' ') + 1) LIKE ?1 || '/%'"],
    },
    Part {
        name: "freezes",
        shown: None,
        rows: &["freezes WHERE (json_extract(body, '$.extent.tenant') = ?1 OR json_extract(body, '$.extent.connection.tenant') = ?1
     OR json_extract(body, '$.extent.installation') IN (SELECT id FROM installations WHERE tenant = ?1))", "freeze_released WHERE tenant = ?1"],
    },
    Part {
        name: "incidents",
        shown: None,
        rows: &[
            "incident_holds WHERE incident IN (SELECT id FROM incidents WHERE json_extract(body, '$.subject.tenant') = ?1
               OR json_extract(body, '$.subject.about.installation') IN (SELECT id FROM installations WHERE tenant = ?1))",
            "incidents WHERE json_extract(body, '$.subject.tenant') = ?1
               OR json_extract(body, '$.subject.about.installation') IN (SELECT id FROM installations WHERE tenant = ?1)",
        ],
    },
    Part {
        name: "roots",
        shown: None,
        rows: &["trust_roots WHERE scope = 'tenant:' || ?1"],
    },
    Part {
        name: "memory",
        shown: None,
        rows: &["detect_memory WHERE (subject = ?1 AND ?1 <> 'host') OR subject LIKE ?1 || '/%'"],
    },
    Part {
        name: "highest-releases",
        shown: None,
        rows: &["highest_releases WHERE tenant = ?1"],
    },
    Part {
        name: "installations",
        shown: None,
        rows: &["installations WHERE tenant = ?1"],
    },
];
