//! What each role may do, object by object: what its statements do and nothing else. A new table is a new line here; what a role
//! has no more in a later version is taken out a release later, for processes of the version before still run.
//!
//! Here is data alone.

/// What ingest, worker and api may do with an object, in this order and in the words of GRANT; empty: nothing.
pub(super) type Object = (&'static str, [&'static str; 3]);

/// Tables and views. Days of events are reached through `events` only.
pub(super) const TABLES: &[Object] = &[
    // sqlx's own: `commissary doctor` asks for the version of the schema.
    (
        "_sqlx_migrations",
        [
            "select (version, success)",
            "select (version, success)",
            "select (version, success)",
        ],
    ),
    ("affiliate_groups", ["", "", "select, insert, update"]),
    ("affiliate_notes", ["", "", "select, insert, update, delete"]),
    ("affiliates", ["", "select", "select, insert, update"]),
    ("affiliation_rates", ["", "select", "select, insert"]),
    ("affiliations", ["", "select", "select, insert, update"]),
    (
        "api_keys",
        [
            "select (org_id, key_id, key_hash, scopes, program_id, owner, owner_id, rate_per_minute, revoked_at, timezone, \
                repeats)",
            "",
            "select, insert, update",
        ],
    ),
    ("audit_entries", ["", "", "select"]),
    ("audit_heads", ["", "", ""]),
    (
        "balances",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("barrier", ["", "select, insert, update", "select"]),
    ("batches_under_way", ["", "select, insert, update, delete", ""]),
    ("bonus_awards", ["", "select, insert", "select, insert"]),
    ("bonus_months", ["", "select, insert", ""]),
    (
        "bonus_recounts",
        ["", "select, insert, update, delete", "select, insert, update"],
    ),
    ("catalog_versions", ["", "select", "select"]),
    ("clicks", ["", "select, insert, update", "select, insert, update"]),
    ("commission_types", ["", "select", "select, insert"]),
    (
        "commissions",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("consumer_barriers", ["", "select, insert, update, delete", ""]),
    (
        "conversions",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("crash_marks", ["", "select, insert, update, delete", ""]),
    ("custom_fields", ["", "", "select, insert, update"]),
    (
        "customer_programs",
        ["", "select, insert, update", "select, insert, update"],
    ),
    (
        "customers",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("earning_sales", ["", "select", "select"]),
    ("event_actions", ["", "", ""]),
    ("event_failures", ["", "select, insert, update", "select"]),
    (
        "events",
        [
            "select (event_id, org_id, status, reason, outcome, received_at, due_at, attempt, waits_since)",
            "select, insert, update",
            "select, insert, update",
        ],
    ),
    ("group_memberships", ["", "select", "select, insert"]),
    (
        "heartbeats",
        [
            "select, insert, update, delete",
            "select, insert, update, delete",
            "select, insert, update, delete",
        ],
    ),
    ("idempotency_keys", ["", "select, insert", "select, insert"]),
    ("idempotent_answers", ["", "", "select, insert"]),
    ("import_lines", ["", "", ""]),
    ("imports", ["", "", ""]),
    (
        "orgs",
        [
            "select (org_id, slug, affiliates_feature, client_id, events_per_minute, events_under_way)",
            "select",
            "select, insert, update",
        ],
    ),
    ("parked_keys", ["", "select, insert, delete", "select, insert"]),
    (
        "payments",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("payout_methods", ["", "", "select, insert, update"]),
    (
        "pixel_keys",
        [
            "select (org_id, pixel_key, secret, address_ranges, revoked_at)",
            "",
            "select, insert, update",
        ],
    ),
    ("program_assets", ["", "", "select, insert, delete"]),
    ("program_bonuses", ["", "select", "select, insert, update"]),
    ("program_hosts", ["", "select", "select, insert, update, delete"]),
    ("program_levels", ["", "select", "select, insert"]),
    ("program_terms", ["", "select", "select, insert"]),
    ("programs", ["", "select", "select, insert, update"]),
    ("prospects", ["", "", "select, insert, delete"]),
    ("refunds", ["", "select, insert", "select, insert"]),
    (
        "rejections",
        [
            "select, insert, update (message, sample, count, first_at, last_at), delete",
            "",
            "select, insert, update, delete",
        ],
    ),
    (
        "schedules",
        [
            "",
            "select, insert, update, delete",
            "select, insert, update, delete",
        ],
    ),
    (
        "sessions",
        ["", "select, insert, update", "select, insert, update"],
    ),
    ("settings", ["select (name, value)", "select", "select"]),
    (
        "spool",
        [
            "insert, select (bulk_of, version, created_at)",
            "select, insert, update, delete",
            "select",
        ],
    ),
    ("transfers", ["", "insert", "select, insert"]),
    // The default day; the owner's functions alone go there.
    ("events_default", ["", "", ""]),
];

pub(super) const SEQUENCES: &[Object] = &[
    ("affiliate_group_numbers", ["", "", "usage"]),
    ("barriers", ["", "select, usage", "select"]),
    ("click_ids", ["", "usage", "usage"]),
    ("commission_ids", ["", "usage", "usage"]),
    ("conversion_ids", ["", "usage", "usage"]),
    ("customer_ids", ["", "usage", "usage"]),
    ("payment_ids", ["", "usage", "usage"]),
];

/// Nobody else may call them: those that run as their owner could do what their caller may not.
pub(super) const FUNCTIONS: &[Object] = &[
    ("audit_append(audit_entries)", ["", "", ""]),
    ("audit_append_all(audit_entries[])", ["", "", "execute"]),
    ("audit_hash(bytea, audit_entries)", ["", "", ""]),
    ("count_customers_by_program()", ["", "", ""]),
    (
        "counts_towards_cap(bigint, bigint, text, timestamp with time zone)",
        ["", "", ""],
    ),
    ("drop_event_partitions(date, date)", ["", "execute", ""]),
    ("ensure_event_partitions(date, integer)", ["", "execute", ""]),
    ("event_id_floor(timestamp with time zone)", ["", "", ""]),
    (
        "group_at(affiliates, timestamp with time zone)",
        ["", "", "execute"],
    ),
    ("note_catalog_change()", ["", "", ""]),
    ("refuse_audit_change()", ["", "", ""]),
    ("refuse_change()", ["", "", ""]),
];
